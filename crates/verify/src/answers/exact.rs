//! Mode `exact`: the completion *is* the answer, up to white space.
//!
//! For the embedded worlds, whose executors write the bare answer. Runs of white space count as one space and the
//! ends are trimmed; nothing else is forgiven (`7` is not `7.0`, `a` is not `A`). End-of-text tokens are expected
//! to be gone already.

use crate::judgement::{Artifact, Judgement};
use tracelift_domain::FailureKind;

/// Judges a completion by equality with the gold answer.
#[must_use]
pub fn judge(gold: &str, completion: &str) -> Judgement {
    if gold.trim().is_empty() {
        return Judgement::unscorable("the gold answer is empty", None);
    }
    if completion.trim().is_empty() {
        return Judgement::no_artifact();
    }
    let words: Vec<&str> = completion.split_whitespace().collect();
    let artifact = Artifact::Answer(words.join(" "));
    if words.into_iter().eq(gold.split_whitespace()) {
        Judgement::passed(artifact)
    } else {
        Judgement::failed(FailureKind::WrongAnswer, artifact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::Verdict;

    #[test]
    fn white_space_alone_is_forgiven() {
        let verdict = |gold: &str, completion: &str| judge(gold, completion).verdict;
        assert_eq!(verdict("7", " 7\n"), Verdict::Passed);
        assert_eq!(verdict("1 2", "1 \t 2"), Verdict::Passed);
        let wrong = Verdict::Failed { kind: FailureKind::WrongAnswer };
        for completion in ["7.0", "7 7", "07", "a 7"] {
            assert_eq!(verdict("7", completion), wrong, "{completion:?}");
        }
        assert_eq!(verdict("7", " \n"), Verdict::Failed { kind: FailureKind::NoArtifact });
        assert!(matches!(verdict(" ", "7"), Verdict::Unscorable { .. }));
    }

    #[test]
    fn the_artifact_is_the_normalised_completion() {
        assert_eq!(judge("1 2", " 1\n3 ").artifact, Some(Artifact::Answer("1 3".into())));
    }
}
