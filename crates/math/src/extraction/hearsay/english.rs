//! What others say, in English.

use crate::syntax::words::is_word;

/// Those who are asked for answers.
const PERSONS: &str = " friend friends teacher teachers tutor professor student students classmate classmates brother sister mother \
    father mom dad uncle aunt cousin boss neighbor neighbour colleague coworker author authors expert experts people someone \
    somebody everyone everybody others another many they he she guy man woman boy girl kid child children internet web website \
    site forum google wikipedia wolfram wolframalpha chatgpt gpt claude gemini llama bot model calculator textbook book key manual \
    rumor rumour legend oracle source sources reddit siri alexa copilot solver mathematicians scientists most ";

/// What an answer follows from, if it says so.
const IMPERSONAL: &str = " problem question statement prompt passage exercise puzzle task theorem theorems lemma formula formulas formulae \
    equation equations inequality inequalities identity identities definition definitions rule rules law laws principle principles \
    property properties criterion condition conditions constraint constraints given givens information data table graph chart \
    diagram figure picture image histogram plot map schedule recipe pattern sequence series calculation calculations computation \
    computations analysis reasoning work working steps step method algorithm procedure approach process logic argument above this \
    that these those result results convention conventions order ratio ratios proportion scale setup derivation proof expression \
    expressions relation relations system assumption assumptions facts fact premise premises description sign signs symmetry \
    code program script output plan test rates rate instructions instruction requirement requirements case cases contract agreement policy label menu scale recipe model's vieta \
    vieta's pythagoras heron heron's euler euler's fermat fermat's bayes bayes' gauss gauss's descartes descartes' cauchy ptolemy \
    ptolemy's ceva menelaus burnside burnside's wilson wilson's lagrange lagrange's pick's bezout bezout's ";

/// What has a name and needs no witness.
const NAMED: &str = " theorem theorems lemma formula formulas formulae law laws rule rules identity inequality criterion principle \
    postulate axiom method algorithm equation equations test relation relations triangle ";

/// What only somebody does.
const SAYING: &str = " say says said tell tells claim claims claimed think thinks believe believes believed reckon reckons reckoned assert asserts \
    asserted insist insists insisted announce announces announced declare declares declared answered replied replies swears swore \
    argues argued guesses guessed alleges alleged maintains maintained mentions mentioned told wrote writes posted posts proposed \
    proposes ";

/// What somebody does, or something.
const SHOWING: &str = " suggest suggests suggested state states stated report reports reported conclude concludes concluded compute computes \
    computed calculate calculates calculated find finds found get gets got determine determines determined figure figured estimate \
    estimates estimated indicates indicated obtained obtains derived derives gives gave offered offers ";

/// Between who speaks and what is done.
const BETWEEN: &str = " also has have had once just then always would will can could may might did does do is was me us once still often both all ";

/// Without one of these words, or an owner's name, nothing here is told.
pub(super) fn telling() -> impl Iterator<Item = &'static str> {
    const OTHERS: &str = "according per courtesy source sources opinion view eyes mind estimation book words as said believed claimed \
        rumored rumoured reported alleged thought widely often sometimes commonly generally rumor rumour legend word heard read \
        reportedly allegedly supposedly purportedly sure certain convinced confident positive adamant right correct quoting quote \
        trusting trust citing believing for from by of his her their key textbook forum internet quoth";
    [SAYING, SHOWING, OTHERS].into_iter().flat_map(str::split_whitespace)
}

/// What may stand between a verb of saying and what is said.
const INTRODUCING: &str = " that the a answer final correct right is it it's its was be would should must me us to him them total number value result out \
    as of be being our ";

fn is_answer(word: &Word<'_>) -> bool {
    matches!(word.lower.as_str(), "answer" | "answers" | "result" | "guess" | "ans")
}

fn is_in(list: &str, word: &str) -> bool {
    let mut from = 0;
    while let Some(at) = list[from..].find(word).map(|at| from + at) {
        let end = at + word.len();
        if list[..at].ends_with([' ']) && list[end..].starts_with(' ') {
            return !word.is_empty();
        }
        from = end;
    }
    false
}

/// A word of a sentence, and where it stands.
struct Word<'t> {
    written: &'t str,
    lower: String,
    start: usize,
}

fn words(text: &str) -> Vec<Word<'_>> {
    let belongs = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’');
    let mut out = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (belongs(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let head = text[from..at].trim_start_matches(['\'', '’']);
                let written = head.trim_end_matches(['\'', '’']);
                let lower = written.to_lowercase().replace('’', "'");
                if !written.is_empty() {
                    out.push(Word { written, lower, start: at - head.len() });
                }
                start = None;
            }
            _ => {}
        }
    }
    out
}

/// Whether a word names somebody: a pronoun, a trade, or a name that is no word.
fn is_person(word: &Word<'_>) -> bool {
    let lower = word.lower.strip_suffix("'s").unwrap_or(&word.lower);
    is_in(PERSONS, lower)
        || word.written.starts_with(char::is_uppercase)
            && word.written.len() > 1
            && !is_word(lower)
            && !is_in(IMPERSONAL, lower)
            && lower.bytes().all(|b| b.is_ascii_alphabetic())
        || word.written.starts_with(char::is_uppercase) && is_first_name(lower)
}

/// Names that are in lists of words, too.
fn is_first_name(lower: &str) -> bool {
    is_in(
        " bob alice john mary tom tim sam dan ben joe jim kim leo lee amy ann ian mia bill mark jack will grace rose anna emma james \
         peter paul david sarah maria alex max ",
        lower,
    )
}

/// Whether what is named behind "according to" is somebody.
fn is_somebody(named: &str) -> bool {
    let end = named.find([',', ';', '.', ')', ':', '\n', '"', '$', '\\', '—']).unwrap_or(named.len());
    let words: Vec<Word<'_>> = words(&named[..end])
        .into_iter()
        .take_while(|word| {
            !matches!(word.lower.as_str(), "is" | "are" | "was" | "equals" | "we" | "i" | "it" | "there")
        })
        .take(9)
        .collect();
    let owned = words.iter().any(|word| {
        matches!(word.lower.as_str(), "his" | "her" | "their" | "your")
            || word.lower.strip_suffix("'s").is_some_and(|owner| !is_in(IMPERSONAL, owner))
    });
    if owned {
        return !words.iter().any(|word| is_in(NAMED, &word.lower));
    }
    !words.iter().any(|word| is_in(IMPERSONAL, &word.lower))
        || words
            .iter()
            .any(|word| is_in(" answer key teacher friend student classmate forum internet ", &word.lower))
            && !words.iter().any(|word| is_in(NAMED, &word.lower))
}

pub(super) fn is_told(before: &str, said: &str) -> bool {
    let ahead = words(before);
    let behind = words(said);
    names_source(before, &ahead)
        || names_source(said, &behind)
        || is_rumoured(&ahead)
        || says_before(before, &ahead, behind.first().is_some_and(is_answer))
        || says_behind(said, &behind)
        || is_owned(&ahead, &behind)
}

/// "according to Bob", "in Bob's opinion", "per the forum", "as Bob put it", "(source: Bob)".
fn names_source(text: &str, words: &[Word<'_>]) -> bool {
    words.iter().enumerate().any(|(at, word)| {
        let next = words.get(at + 1).map_or("", |next| next.lower.as_str());
        let rest = |skip: usize| words.get(at + skip).map_or("", |word| &text[word.start..]);
        let opens = at == 0 || text[..word.start].trim_end().ends_with([',', '(', '—', '–', ';', ':']);
        match word.lower.as_str() {
            "according" if next == "to" => is_somebody(rest(2)),
            "per" if opens && !next.is_empty() => is_somebody(rest(1)),
            "courtesy" if next == "of" => is_somebody(rest(2)),
            "source" | "sources" => text[word.start + word.written.len()..].starts_with(':'),
            "opinion" | "view" | "eyes" | "mind" | "estimation" | "book" | "words" => {
                // "in my opinion" is one's own.
                let owner = at.checked_sub(1).map(|at| &words[at]);
                let owned = owner.is_some_and(|owner| {
                    owner.lower.ends_with("'s") && !is_in(IMPERSONAL, &owner.lower)
                        || matches!(owner.lower.as_str(), "his" | "her" | "their")
                });
                let of = next == "of" && owner.is_some_and(|the| the.lower == "the");
                owned && words[..at].iter().any(|word| word.lower == "in") || of && is_somebody(rest(2))
            }
            // "as Bob said", "as told by Bob", "as claimed by the book".
            "as" => {
                let reach = &words[(at + 1).min(words.len())..words.len().min(at + 5)];
                let verb = reach.iter().position(|word| {
                    is_in(SAYING, &word.lower) || is_in(SHOWING, &word.lower) || word.lower == "put"
                });
                verb.is_some_and(|verb| {
                    let by = reach.get(verb + 1).is_some_and(|by| by.lower == "by");
                    let subject = reach[..verb].iter().any(is_person);
                    subject || by && is_somebody(rest(1 + verb + 2))
                })
            }
            _ => false,
        }
    })
}

/// "It is said that", "rumour has it that", "word is that", "I heard that", "I was told".
fn is_rumoured(words: &[Word<'_>]) -> bool {
    let lower: Vec<&str> = words.iter().map(|word| word.lower.as_str()).collect();
    lower.windows(3).any(|three| match three {
["it" | "answer", "is" | "was", word] | ["it's", word, _] => {
            is_in(" said believed claimed rumored rumoured reported alleged thought widely often sometimes commonly generally ", word)
        }
        ["rumor" | "rumour" | "legend" | "word", "has", "it"] => true,
        ["word", "is", "that"] | ["was" | "am" | "were", "told", _] => true,
        ["i" | "we", "heard" | "read", rest] => {
            matches!(*rest, "that" | "the" | "somewhere" | "online" | "it")
        }
        _ => false,
    }) || lower.iter().any(|word| matches!(*word, "reportedly" | "allegedly" | "supposedly" | "purportedly"))
}

/// "Bob said that", "my teacher suggests", "Bob: “": directly before the statement.
fn says_before(before: &str, words: &[Word<'_>], ends_in_answer: bool) -> bool {
    // `Bob: "The answer is 73."`
    let quoted = before
        .trim_end_matches(|c: char| c.is_alphabetic() || c.is_whitespace())
        .strip_suffix(['"', '“', '«'])
        .is_some_and(|head| head.trim_end().ends_with([':', ',']));
    if quoted && words.iter().take(4).any(is_person) {
        return true;
    }
    // "Bob is sure that", "if Bob is right", "trusting the key".
    let sure = words.windows(3).enumerate().any(|(at, three)| {
        let is = is_person(&three[0]) && matches!(three[1].lower.as_str(), "is" | "are" | "was" | "seems");
        // "She is sure of getting 18 points" is about her.
        let that = words
            .get(at + 3)
            .map_or(ends_in_answer, |next| matches!(next.lower.as_str(), "that" | "the" | "it" | "it's"));
        is && (is_in(" sure certain convinced confident positive adamant ", &three[2].lower) && that
            || is_in(" right correct ", &three[2].lower) && words[..at].iter().any(|word| word.lower == "if"))
    });
    let trusting = words.iter().enumerate().any(|(at, word)| {
        is_in(" quoting quote trusting trust citing believing ", &word.lower)
            && words[at + 1..].iter().take(3).any(|next| is_person(next) || next.lower == "key")
    });
    // "For Bob, ", "From Bob: ", "By Bob's account, ".
    let by = words.first().zip(words.get(1)).is_some_and(|(first, second)| {
        let alone = matches!(first.lower.as_str(), "for" | "from") && words.len() <= 4 && is_person(second);
        let account = first.lower == "by"
            && second.lower.ends_with("'s")
            && words.get(2).is_some_and(|word| is_in(" account reckoning estimate own count ", &word.lower));
        (alone && !is_in(" people children kids students many most others ", &second.lower)) || account
    });
    if sure || trusting || by {
        return true;
    }
    let reason = words.first().is_some_and(|first| {
        matches!(first.lower.as_str(), "since" | "because" | "given" | "when" | "after" | "while" | "if")
    });
    if reason {
        return false;
    }
    let from = words.len().saturating_sub(7);
    for at in (from..words.len()).rev() {
        let word = words[at].lower.as_str();
        let (saying, showing) = (is_in(SAYING, word), is_in(SHOWING, word));
        if matches!(word, "but" | "so" | "therefore" | "hence" | "thus" | "however" | "actually")
            || word.starts_with(|c: char| c.is_ascii_digit())
        {
            return false;
        }
        if !(saying || showing) {
            continue;
        }
        let Some(subject) = words[..at].iter().rev().find(|word| !is_in(BETWEEN, &word.lower)) else {
            continue;
        };
        let own = matches!(
            subject.lower.as_str(),
            "i" | "we"
                | "one"
                | "to"
                | "the"
                | "a"
                | "this"
                | "that"
                | "which"
                | "it"
                | "what"
                | "you"
                | "and"
                | "as"
                | "this's"
        ) || is_in(IMPERSONAL, &subject.lower);
        // Nothing but what introduces a statement: "Bob said he had" is a story.
        let rest = &words[at + 1..];
        let introduces = rest.iter().all(|word| is_in(INTRODUCING, &word.lower))
            && (ends_in_answer
                || rest.iter().any(|word| matches!(word.lower.as_str(), "that" | "it" | "it's" | "answer"))
                || saying
                    && rest.first().is_some_and(|word| matches!(word.lower.as_str(), "the" | "me" | "us")));
        if !own && introduces && (saying || is_person(subject)) {
            return true;
        }
    }
    false
}

/// "…, says Bob", "…, Bob said", "…, or so they say", "…, I was told".
fn says_behind(said: &str, words: &[Word<'_>]) -> bool {
    let value =
        words.iter().position(|word| word.written.contains(|c: char| c.is_ascii_digit())).unwrap_or(0);
    let mut parted = false;
    for at in value + 1..words.len() {
        let word = &words[at];
        let gap = &said[words[at - 1].start + words[at - 1].written.len()..word.start];
        parted |= gap.contains([',', '—', '–', '(', '-', '"', '”']);
        if matches!(word.lower.as_str(), "because" | "since" | "if" | "when" | "which" | "so" | "but" | "and")
        {
            return false;
        }
        if !parted || !(is_in(SAYING, &word.lower) || word.lower == "quoth") {
            continue;
        }
        let others = |word: &Word<'_>| !matches!(word.lower.as_str(), "i" | "we" | "to" | "as" | "that");
        let subject = words[value + 1..at].iter().rev().find(|word| !is_in(BETWEEN, &word.lower));
        let told = word.lower == "told";
        if told
            || subject
                .or(words.get(at + 1))
                .is_some_and(|subject| others(subject) && !is_in(IMPERSONAL, &subject.lower))
        {
            return true;
        }
    }
    false
}

/// "Bob's answer is", "the answer given by Bob is", "the answer in the key is".
fn is_owned(ahead: &[Word<'_>], behind: &[Word<'_>]) -> bool {
    // The owner stands right before "answer", but for what the answer is called.
    let called = " final own first suggested proposed official exact ";
    let owner = ahead.iter().rev().filter(|word| !is_answer(word)).find(|word| !is_in(called, &word.lower));
    let owned = owner.is_some_and(|owner| {
        matches!(owner.lower.as_str(), "his" | "her" | "their" | "everyone's" | "someone's" | "students'")
            || owner.lower.strip_suffix("'s").is_some_and(|name| {
                !is_in(IMPERSONAL, name)
                    && !is_in(IMPERSONAL, &owner.lower)
                    && !matches!(name, "here" | "it" | "that" | "let" | "what")
            })
    });
    if owned && behind.first().is_some_and(is_answer) {
        return true;
    }
    let is = behind
        .iter()
        .position(|word| {
            matches!(word.lower.as_str(), "is" | "was" | "equals")
                || word.lower.starts_with(|c: char| c.is_ascii_digit())
        })
        .unwrap_or(behind.len());
    let inside = &behind[..is];
    if !inside.first().is_some_and(is_answer) {
        return false;
    }
    let by = inside.iter().position(|word| matches!(word.lower.as_str(), "by" | "from" | "of"));
    by.is_some_and(|by| inside[by + 1..].iter().any(is_person))
        || inside
            .windows(2)
            .any(|two| is_person(&two[0]) && (is_in(SAYING, &two[1].lower) || is_in(SHOWING, &two[1].lower)))
        || inside.iter().skip(1).any(|word| is_in(" key textbook book forum internet ", &word.lower))
}
