//! Plans: the steps of a program in fixed words, their Python, and what they print.

use super::op::{Op, TooLarge, Verb};

/// How the numbers come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Layout {
    OneLine,
    OnePerLine,
}

/// How the input is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct InputStyle {
    pub(super) layout: Layout,
    /// Whether words among the numbers are skipped.
    pub(super) skips_words: bool,
}

impl InputStyle {
    pub(super) const ALL: [InputStyle; 4] = [
        InputStyle { layout: Layout::OneLine, skips_words: false },
        InputStyle { layout: Layout::OneLine, skips_words: true },
        InputStyle { layout: Layout::OnePerLine, skips_words: false },
        InputStyle { layout: Layout::OnePerLine, skips_words: true },
    ];

    fn line(self) -> &'static str {
        match (self.layout, self.skips_words) {
            (Layout::OneLine, false) => "read the numbers from one line",
            (Layout::OneLine, true) => "read the numbers from one line and skip the words",
            (Layout::OnePerLine, false) => "read the numbers one per line",
            (Layout::OnePerLine, true) => "read the numbers one per line and skip the words",
        }
    }

    fn code(self) -> &'static str {
        match (self.layout, self.skips_words) {
            (Layout::OneLine, false) => "x = [ int ( v ) for v in input ( ) . split ( ) ]",
            (Layout::OneLine, true) => {
                "x = [ int ( v ) for v in input ( ) . split ( ) if v . strip ( \"-\" ) . isdigit ( ) ]"
            }
            (Layout::OnePerLine, false) => "x = [ int ( v ) for v in open ( 0 ) . read ( ) . split ( ) ]",
            (Layout::OnePerLine, true) => {
                "x = [ int ( v ) for v in open ( 0 ) . read ( ) . split ( ) if v . strip ( \"-\" ) . isdigit ( ) ]"
            }
        }
    }
}

/// What of the list is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    List,
    Sum,
    Count,
    Largest,
    Smallest,
}

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Output {
    pub(super) what: What,
    /// Whether 0 is printed when nothing is left; never set for sum and count, which are 0 by themselves.
    pub(super) or_zero: bool,
}

impl Output {
    pub(super) const ALL: [Output; 8] = [
        Output { what: What::List, or_zero: false },
        Output { what: What::List, or_zero: true },
        Output { what: What::Sum, or_zero: false },
        Output { what: What::Count, or_zero: false },
        Output { what: What::Largest, or_zero: false },
        Output { what: What::Largest, or_zero: true },
        Output { what: What::Smallest, or_zero: false },
        Output { what: What::Smallest, or_zero: true },
    ];

    fn line(self) -> &'static str {
        match (self.what, self.or_zero) {
            (What::List, false) => "print them all",
            (What::List, true) => "print them all or 0 if there is none",
            (What::Sum, _) => "print the sum",
            (What::Count, _) => "print the count",
            (What::Largest, false) => "print the largest",
            (What::Largest, true) => "print the largest or 0 if there is none",
            (What::Smallest, false) => "print the smallest",
            (What::Smallest, true) => "print the smallest or 0 if there is none",
        }
    }

    fn code(self) -> &'static str {
        match (self.what, self.or_zero) {
            (What::List, false) => "print ( * x )",
            (What::List, true) => "print ( * ( x or [ 0 ] ) )",
            (What::Sum, _) => "print ( sum ( x ) )",
            (What::Count, _) => "print ( len ( x ) )",
            (What::Largest, false) => "print ( max ( x ) )",
            (What::Largest, true) => "print ( max ( x , default = 0 ) )",
            (What::Smallest, false) => "print ( min ( x ) )",
            (What::Smallest, true) => "print ( min ( x , default = 0 ) )",
        }
    }
}

/// One step of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Read(InputStyle),
    Do(Op),
    Print(Output),
}

impl Step {
    /// Its words.
    pub(super) fn line(self) -> String {
        match self {
            Step::Read(reading) => reading.line().to_owned(),
            Step::Do(op) => fill(op.verb().line(), op),
            Step::Print(output) => output.line().to_owned(),
        }
    }

    /// Its Python.
    pub(super) fn code(self) -> String {
        match self {
            Step::Read(reading) => reading.code().to_owned(),
            Step::Do(op) => fill(op.verb().code(), op),
            Step::Print(output) => output.code().to_owned(),
        }
    }

    /// Reads the words of one step.
    pub(super) fn parse(words: &[&str]) -> Option<Step> {
        let is = |line: &str| line.split(' ').eq(words.iter().copied());
        if let Some(reading) = InputStyle::ALL.into_iter().find(|reading| is(reading.line())) {
            return Some(Step::Read(reading));
        }
        if let Some(output) = Output::ALL.into_iter().find(|output| is(output.line())) {
            return Some(Step::Print(output));
        }
        Verb::ALL.into_iter().find_map(|verb| Some(Step::Do(Op::new(verb, parameter(verb.line(), words)?)?)))
    }
}

fn fill(template: &str, op: Op) -> String {
    template.replace("{k}", &op.k().to_string())
}

/// The number in the place of `{k}` (0 where the template has none), if the words are those of the template.
fn parameter(template: &str, words: &[&str]) -> Option<i64> {
    let mut k = 0;
    let mut expected = template.split(' ');
    for &word in words {
        match expected.next()? {
            "{k}" => {
                k = word.parse().ok()?;
                // One spelling only: no sign, no leading zero.
                if k.to_string() != word {
                    return None;
                }
            }
            same if same == word => {}
            _ => return None,
        }
    }
    expected.next().is_none().then_some(k)
}

/// A whole plan.
pub(super) fn steps(reading: InputStyle, ops: &[Op], output: Output) -> Vec<Step> {
    let ops = ops.iter().copied().map(Step::Do);
    std::iter::once(Step::Read(reading)).chain(ops).chain([Step::Print(output)]).collect()
}

/// The words of a plan: every step ends with ` .`.
pub(super) fn text(steps: &[Step]) -> String {
    steps.iter().map(|step| step.line() + " .").collect::<Vec<_>>().join(" ")
}

/// The program that a plan spells out.
pub(super) fn program(steps: &[Step]) -> String {
    steps.iter().map(|step| step.code()).collect::<Vec<_>>().join(" ; ")
}

/// Reads a whole plan; `None` if it is empty or a step is none of ours.
pub(super) fn parse(text: &str) -> Option<Vec<Step>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = words.strip_suffix(&["."]).unwrap_or(&words);
    words.split(|&word| word == ".").map(Step::parse).collect()
}

/// One thing in an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Number(i64),
    Word(&'static str),
}

/// What a program reads. It is never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Input {
    pub(super) items: Vec<Entry>,
    pub(super) layout: Layout,
}

impl Input {
    /// As a program meets it.
    pub(super) fn stdin(&self) -> String {
        let between = match self.layout {
            Layout::OneLine => " ",
            Layout::OnePerLine => "\n",
        };
        let items: Vec<String> = self
            .items
            .iter()
            .map(|item| match item {
                Entry::Number(number) => number.to_string(),
                Entry::Word(word) => (*word).to_owned(),
            })
            .collect();
        items.join(between) + "\n"
    }

    /// `None` where a word is taken for a number.
    fn read(&self, reading: InputStyle) -> Option<Vec<i64>> {
        // Whoever wants one line gets the first; whoever wants one number per line reads all there is.
        let items = match (reading.layout, self.layout) {
            (Layout::OneLine, Layout::OnePerLine) => &self.items[..self.items.len().min(1)],
            _ => &self.items[..],
        };
        let mut numbers = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Entry::Number(number) => numbers.push(*number),
                Entry::Word(_) if reading.skips_words => {}
                Entry::Word(_) => return None,
            }
        }
        Some(numbers)
    }
}

/// What comes of running a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The numbers it prints, in order.
    Prints(Vec<i64>),
    /// It stops with an error.
    Crashes,
    /// Its numbers are too large for us to follow.
    TooLarge,
}

/// Runs a plan as Python would run its program.
pub(super) fn run(steps: &[Step], input: &Input) -> Outcome {
    let mut x = Vec::new();
    let mut printed = Vec::new();
    for &step in steps {
        match step {
            Step::Read(reading) => match input.read(reading) {
                Some(numbers) => x = numbers,
                None => return Outcome::Crashes,
            },
            Step::Do(op) => {
                if let Err(TooLarge) = op.apply(&mut x) {
                    return Outcome::TooLarge;
                }
            }
            Step::Print(Output { what, or_zero }) => {
                let one = match what {
                    What::List if x.is_empty() && or_zero => Some(0),
                    What::List => {
                        printed.extend_from_slice(&x);
                        continue;
                    }
                    What::Sum => match x.iter().try_fold(0i64, |sum, &v| sum.checked_add(v)) {
                        Some(sum) => Some(sum),
                        None => return Outcome::TooLarge,
                    },
                    What::Count => i64::try_from(x.len()).ok(),
                    What::Largest => x.iter().copied().max().or(or_zero.then_some(0)),
                    What::Smallest => x.iter().copied().min().or(or_zero.then_some(0)),
                };
                match one {
                    Some(number) => printed.push(number),
                    None => return Outcome::Crashes,
                }
            }
        }
    }
    Outcome::Prints(printed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_step() -> Vec<Step> {
        let ops = Verb::ALL.into_iter().flat_map(|verb| verb.range().filter_map(move |k| Op::new(verb, k)));
        let reads = InputStyle::ALL.into_iter().map(Step::Read);
        reads.chain(ops.map(Step::Do)).chain(Output::ALL.into_iter().map(Step::Print)).collect()
    }

    #[test]
    fn every_step_reads_what_it_writes_and_no_two_are_alike() {
        let mut lines = std::collections::HashSet::new();
        for step in every_step() {
            let line = step.line();
            assert_eq!(Step::parse(&line.split(' ').collect::<Vec<_>>()), Some(step), "{line}");
            assert!(lines.insert(line));
        }
        assert_eq!(parse(&text(&every_step())), Some(every_step()));
    }

    #[test]
    fn what_is_no_step_is_refused() {
        for text in [
            "",
            ".",
            "print the sum . .",
            "keep the first 1 .",
            "keep the first 03 .",
            "keep the first +3 .",
            "keep the first -3 .",
            "keep the first .",
            "keep the first 3 numbers .",
            "add 99999999999999999999 to each .",
            "sing a song .",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn readers_differ_on_lines_and_words() {
        let list = Step::Print(Output { what: What::List, or_zero: false });
        let run_with =
            |reading: usize, input: &Input| run(&[Step::Read(InputStyle::ALL[reading]), list], input);
        let mut input = Input { items: vec![Entry::Number(4), Entry::Number(7)], layout: Layout::OnePerLine };
        assert_eq!(input.stdin(), "4\n7\n");
        assert_eq!(run_with(0, &input), Outcome::Prints(vec![4]));
        assert_eq!(run_with(2, &input), Outcome::Prints(vec![4, 7]));
        input.layout = Layout::OneLine;
        input.items.push(Entry::Word("x"));
        assert_eq!(input.stdin(), "4 7 x\n");
        assert_eq!(run_with(0, &input), Outcome::Crashes);
        assert_eq!(run_with(1, &input), Outcome::Prints(vec![4, 7]));
        assert_eq!(run_with(3, &input), Outcome::Prints(vec![4, 7]));
    }

    #[test]
    fn the_largest_of_nothing_is_an_error_unless_it_is_0() {
        let nothing = Input { items: vec![Entry::Word("x")], layout: Layout::OneLine };
        for (output, outcome) in Output::ALL.into_iter().zip([
            Outcome::Prints(vec![]),
            Outcome::Prints(vec![0]),
            Outcome::Prints(vec![0]),
            Outcome::Prints(vec![0]),
            Outcome::Crashes,
            Outcome::Prints(vec![0]),
            Outcome::Crashes,
            Outcome::Prints(vec![0]),
        ]) {
            let steps = [Step::Read(InputStyle::ALL[1]), Step::Print(output)];
            assert_eq!(run(&steps, &nothing), outcome, "{output:?}");
        }
    }
}
