//! Denying or hedging an answer never makes it equal; saying it plainly always does.

use proptest::prelude::*;
use tracelift_math::{Options, Verdict, compare};

fn verdict(gold: &str, pred: &str) -> Verdict {
    compare(gold, pred, &Options::default()).verdict
}

/// Ways of saying that R is the answer; W is something else that is denied, if it occurs.
const PLAIN: &[&str] = &[
    "R",
    "The answer is R.",
    "Answer: R",
    "**Answer:** R",
    "The final answer is **R**.",
    "So the answer is therefore R.",
    "The answer must be R.",
    "\\boxed{R}",
    "$\\boxed{R}$",
    "#### R",
    "<answer>R</answer>",
    "<think>W</think>R",
    "It is R.",
    "R is the answer.",
    "The answer is R, not W.",
    "The answer is R rather than W.",
    "The answer is R instead of W.",
    "The answer is not W but R.",
    "Not W. The answer is R.",
    "The answer is R (not W).",
    "First \\boxed{W}. That was wrong; it is \\boxed{R}.",
    "The answer is R because W is too large.",
    "The answer is R when n = W.",
    "The answer is R, since W is not.",
    "答案：R",
    "答案是R。",
    "答案是R，不是W。",
    "故选 R",
    "答え：R",
    "答えはRです。",
    "정답은 R입니다.",
    "정답: R",
    "Ответ: R",
    "Правильный ответ: R.",
    "La respuesta es R.",
    "La réponse est R.",
    "Die Antwort ist R.",
    "Die Antwort lautet R.",
    "A resposta é R.",
    "W. That is wrong; the answer is R.",
    "The answer is W. Wait, no. It's R.",
    "The answer is W. Actually, R.",
    "Answer: W. Correction: R.",
    "One might think the answer is W, but it is R.",
    "There is no doubt that the answer is R.",
    "It is not hard to see that the answer is R.",
    "The answer is R.\n\nLet me double-check: yes.",
    "\\boxed{R}!",
    "Portanto, a resposta final é R.",
    "Итак, ответ равен R.",
    "R if I am right",
    "The answer is R, unless I am mistaken.",
    "Solution: R",
    "R ✅",
    "The answer is «R».",
    "【答案】R",
    "[Answer: R]",
    "Por lo tanto, R",
    "... R",
    "The answer has to be R.",
    "The answer works out to be R.",
    "The answer is, of course, R.",
    "According to the theorem, the answer is R.",
    "According to our calculations, the answer is R.",
    "In other words, the answer is R.",
    "The upper bound is W, so the answer is R.",
    "根据题意，答案是R。",
    "問題文によると、答えはRです。",
    "Según el enunciado, la respuesta es R.",
];

/// Ways of denying that R is the answer, or of not settling on it.
const DENIED: &[&str] = &[
    "not R",
    "The answer is not R.",
    "The answer isn't R.",
    "The answer is never R.",
    "The answer cannot be R.",
    "It is not R.",
    "R is not the answer.",
    "R is wrong.",
    "The answer is W, not R.",
    "The answer is W and not R.",
    "The answer is W rather than R.",
    "The answer is W instead of R.",
    "Rather than R, the answer is W.",
    "Instead of R, the answer is W.",
    "The answer is not R but W.",
    "The answer is W (not R).",
    "The answer is neither R nor W.",
    "The answer is R or W.",
    "The answer is W or R.",
    "The answer is either R or W.",
    "Either R or W.",
    "R or W",
    "maybe R, maybe W",
    "Maybe R.",
    "Perhaps R or W.",
    "Perhaps the answer is R.",
    "It is not true that the answer is R.",
    "The answer might be R.",
    "The answer could be R.",
    "The answer may be R or W.",
    "The answer is possibly R.",
    "The answer is R (or W).",
    "The answer is R, or possibly W.",
    "\\boxed{R \\text{ or } W}",
    "\\boxed{\\text{not } R}",
    "\\boxed{R \\text{ (or W)}}",
    "\\boxed{\\text{either } R \\text{ or } W}",
    "\\boxed{R} or \\boxed{W}",
    "\\boxed{R \\text{ is not the answer}}",
    "\\boxed{R \\text{ unless } n = W}",
    "\\boxed{R = W}",
    "It is not $\\boxed{R}$.",
    "The answer is not \\boxed{R}.",
    "\\boxed{R} is wrong.",
    "\\boxed{W}. Alternatively \\boxed{R}, not sure.",
    "The answer is anything but R.",
    "#### R or W",
    "#### not R",
    "<answer>R or W</answer>",
    "<answer>not R</answer>",
    "The answer is more than R.",
    "The answer is at least R.",
    "The answer is between R and W.",
    "The answer would be R if n were W, but here it is W.",
    "~~R~~ W",
    "The upper bound is R.",
    "A lower bound for the answer is R.",
    "The estimate is R.",
    "The estimated answer is R.",
    "The answer is almost R.",
    "According to Bob, the answer is R.",
    "The answer is R, according to my teacher.",
    "The answer is R, says Bob.",
    "Bob's answer is R.",
    "In Bob's opinion, the answer is R.",
    "It is said that the answer is R.",
    "答案的上界是R。",
    "据说答案是R。",
    "根据鲍勃的说法，答案是R。",
    "ボブによると、答えはRです。",
    "밥에 따르면 정답은 R입니다.",
    "По словам Боба, ответ: R.",
    "Según Bob, la respuesta es R.",
    "Selon Bob, la réponse est R.",
    "Laut Bob ist die Antwort R.",
    "Segundo Bob, a resposta é R.",
    "Die obere Schranke ist R.",
    "La cota superior es R.",
    "答案不是R。",
    "答案是W，不是R。",
    "答案是W而不是R。",
    "答案是R或W。",
    "答案可能是R。",
    "也许答案是R。",
    "答えはRではありません。",
    "答えはRではなくWです。",
    "答えはRまたはWです。",
    "정답은 R이 아닙니다.",
    "정답은 R 또는 W입니다.",
    "Ответ не R.",
    "Ответ: W, а не R.",
    "Ответ: R или W.",
    "La respuesta no es R.",
    "La respuesta es R o W.",
    "La respuesta es W, no R.",
    "La réponse n'est pas R.",
    "La réponse est R ou W.",
    "La réponse est W et non R.",
    "Die Antwort ist nicht R.",
    "Die Antwort ist R oder W.",
    "Die Antwort ist W, nicht R.",
    "A resposta não é R.",
    "A resposta é R ou W.",
    "R does not work.",
    "R fails.",
    "We can rule out R.",
    "R is ruled out.",
    "Supposedly, the answer is R.",
    "Twice the answer is R.",
    "The answer squared is R.",
    "The answer has R digits.",
    "A student claims the answer is R. The student is mistaken.",
    "The answer is R. Wait, no. It's W.",
    "The answer is R. Actually, W.",
    "The answer is R. Sorry, I made a mistake; it should be W.",
    "The answer is R. No, W.",
    "Answer: R (edit: W)",
    "Answer: R\nCorrection: W",
    "\\boxed{R}. Oops, that is wrong.",
    "\\boxed{R}. Wait, it should be \\boxed{W}.",
    "\\boxed{R}^c",
    "$2\\cdot\\boxed{R}$",
    "$-\\boxed{R}$",
    "x is not equal to R.",
    "The answer is W, not R!",
    "Keinesfalls R.",
    "Es sind nicht R.",
    "Это не R.",
    "No es R.",
    "Ce n'est pas R.",
    "Não é R.",
    "答案并不是R。",
    "大于R。",
    "Rではない。",
    "정답은 R이 아니라 W이다.",
    "I disagree that the answer is R.",
    "He says the answer is R. He is wrong.",
    "Bob says R, but Bob always lies.",
    "My previous answer was R.",
    "The answer was R before I noticed the mistake.",
    "R (not sure)",
    "R — though it could also be W",
    "R, which is impossible.",
    "R, which contradicts the assumption.",
    "R must be discarded.",
    "R. That cannot be right.",
    "R (rejected)",
    "R at most",
    "R minus one",
    "the digits of R",
    "I was told R.",
    "Неверно, что ответ R",
    "R — неверный ответ",
    "No creo que sea R",
    "la mitad de R",
    "половина от R",
    "答案是R的一半",
    "如果答案是R",
    "排除R",
    "答えはRの半分です",
    "R ❌",
    "Wrong: R",
    "I am told the answer is R.",
    "One possible answer is R.",
    "suppose R",
    "for example R",
    "Hint: R",
];

/// Two answers that differ.
fn pair() -> impl Strategy<Value = (String, String)> {
    let whole = (2i64..100_000, 1i64..500).prop_map(|(n, step)| (n.to_string(), (n + step).to_string()));
    let decimal = (10i64..10_000, 1i64..9).prop_map(|(n, d)| (format!("{n}.{d}"), format!("{}.{d}", n + 1)));
    let fraction = (1i64..50, 51i64..97).prop_map(|(a, b)| (format!("{a}/{b}"), format!("{}/{}", a + 1, b)));
    prop_oneof![4 => whole, 1 => decimal, 1 => fraction]
}

fn filled(template: &str, right: &str, wrong: &str) -> String {
    // R and W as words of their own, so that other letters stay.
    let mut out = String::new();
    let letters: Vec<char> = template.chars().collect();
    for (i, c) in letters.iter().enumerate() {
        let neighbour = |j: Option<usize>| {
            j.and_then(|j| letters.get(j)).is_some_and(|c| c.is_ascii_alphabetic() && c.is_ascii_lowercase())
        };
        let alone = !neighbour(i.checked_sub(1)) && !neighbour(Some(i + 1));
        match c {
            'R' if alone => out.push_str(right),
            'W' if alone => out.push_str(wrong),
            other => out.push(*other),
        }
    }
    out
}

/// Templates whose verdict is wrong for these answers.
fn wrong(templates: &[&str], right: &str, other: &str, expected: bool) -> Vec<String> {
    templates
        .iter()
        .map(|template| filled(template, right, other))
        .filter(|text| (verdict(right, text) == Verdict::Equal) != expected)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_denied_or_hedged_answer_is_never_equal((right, other) in pair()) {
        let wrong = wrong(DENIED, &right, &other, false);
        prop_assert!(wrong.is_empty(), "{} accepted in {:#?}", right, wrong);
    }

    #[test]
    fn a_plain_answer_is_always_equal((right, other) in pair()) {
        let wrong = wrong(PLAIN, &right, &other, true);
        prop_assert!(wrong.is_empty(), "{} rejected in {:#?}", right, wrong);
    }

    /// What is said instead of a denied answer is what counts.
    #[test]
    fn the_other_answer_is_equal((right, other) in pair()) {
        for template in ["The answer is W, not R.", "The answer is not R but W.", "The answer is W rather than R.", "Instead of R, the answer is W."] {
            let text = filled(template, &right, &other);
            prop_assert_eq!(verdict(&other, &text), Verdict::Equal, "{}", text);
        }
    }
}
