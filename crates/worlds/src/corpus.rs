//! Texts to pre-train a world's planner and executor on.

use crate::world::Instance;
use tracelift_domain::{Question, Trace};

/// Ends every text.
pub const EOS: &str = "<eos>";

/// What a planner of a world is given: `<problem> X </problem>`. The preset `world` says the same.
#[must_use]
pub fn planner_prompt(question: &Question) -> String {
    format!("<problem> {} </problem>", question.statement)
}

/// What an executor of a world is given: `<problem> X </problem> [<reasoning> Z </reasoning>] <answer>`. The preset `world`
/// says the same.
#[must_use]
pub fn executor_prompt(question: &Question, trace: Option<&Trace>) -> String {
    let trace = trace.map(|trace| format!("{} ", trace.tagged())).unwrap_or_default();
    format!("<problem> {} </problem> {trace}<answer>", question.statement)
}

/// `<problem> X </problem> <reasoning> Z </reasoning> <eos>`
#[must_use]
pub fn planner_text(instance: &Instance, trace: &Trace) -> String {
    format!("{} {} {EOS}", planner_prompt(&instance.problem().question), trace.tagged())
}

/// `<problem> X </problem> [<reasoning> Z </reasoning>] <answer> Y <eos>`
#[must_use]
pub fn executor_text(instance: &Instance, trace: Option<&Trace>, artifact: &str) -> String {
    format!("{} {artifact} {EOS}", executor_prompt(&instance.problem().question, trace))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Split, World, WorldName};
    use tracelift_domain::{Prompt, Seed};
    use tracelift_prompt::{ExecutorPrompt, ExecutorPromptConfig, Layout, PlannerPrompt};

    #[test]
    fn worlds_are_pretrained_on_what_they_are_asked() {
        let section = ExecutorPromptConfig::named("world");
        let executor = ExecutorPrompt::new("executor.prompt", &section, Layout::Plain).unwrap();
        let planner = PlannerPrompt::of_worlds().unwrap();
        for name in [WorldName::Steps, WorldName::Words, WorldName::Programs] {
            let instance = World::new(name).instance(Seed(1), Split::Train, 0);
            let question = &instance.problem().question;
            assert_eq!(planner.prompt(question).unwrap(), Prompt::Text(planner_prompt(question).into()));
            let trace = instance.gold_trace();
            for trace in [None, Some(&trace)] {
                let asked = executor.prompt(question, trace).unwrap();
                assert_eq!(asked, Prompt::Text(executor_prompt(question, trace).into()));
            }
        }
    }
}
