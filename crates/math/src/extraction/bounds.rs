//! Words that make a number a bound on the answer, or an estimate of it, and not the answer.

/// Whether a noun calls a number a bound or an estimate; `before` and `after` are the words beside it. In lower case.
pub(super) fn is_bound(word: &str, before: &str, after: &str) -> bool {
    match word {
        "bound" | "estimate" | "guesstimate" | "ballpark" | "estimation" | "guess" | "underestimate"
        | "overestimate" | "approximation" | "guesswork" => true,
        // "One candidate is 73"; "the candidate got 73 votes" counts them.
        "candidate" => {
            after == "is"
                && matches!(
                    before,
                    "one" | "a" | "another" | "likely" | "good" | "possible" | "promising" | "only"
                )
        }
        "schranke" | "obergrenze" | "untergrenze" | "schätzung" | "abschätzung" | "schätzwert"
        | "estimación" | "estimativa" | "stima" | "schatting" | "bovengrens" | "ondergrens" | "оценка"
        | "оценкой" => true,
        "limit" | "cutoff" | "grens" | "граница" | "границей" | "граней" | "предел" | "grenze" =>
        {
            matches!(
                before,
                "upper"
                    | "lower"
                    | "obere"
                    | "untere"
                    | "верхняя"
                    | "нижняя"
                    | "верхней"
                    | "нижней"
                    | "верхний"
                    | "нижний"
            )
        }
        "limite" | "límite" | "cota" | "borne" | "majorant" | "minorant" => {
            word.ends_with("ant")
                || matches!(
                    after,
                    "superior" | "inferior" | "superiore" | "inferiore" | "supérieure" | "inférieure"
                )
        }
        _ => false,
    }
}

/// Whether what stands before "answer" makes it a bound or an estimate: "an upper bound for the answer", "the estimated answer".
pub(super) fn is_of_bound(before: &str) -> bool {
    let from = before.rfind(['.', '!', '?', '\n', ';', ',', ':', '$', '}']).map_or(0, |at| at + 1);
    let lower = before[from..].to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    let mut bound = false;
    for (at, word) in words.iter().enumerate() {
        let beside = |at: Option<usize>| at.and_then(|at| words.get(at)).copied().unwrap_or_default();
        bound |= is_bound(word, beside(at.checked_sub(1)), beside(Some(at + 1)))
            || matches!(
                *word,
                "estimated"
                    | "predicted"
                    | "projected"
                    | "rough"
                    | "ballpark"
                    | "approximated"
                    | "guessed"
                    | "geschätzte"
                    | "estimada"
                    | "estimée"
                    | "stimata"
            );
        // "The bound is attained and the answer is …": the next claim.
        if matches!(*word, "is" | "are" | "was" | "and" | "so" | "but" | "then" | "ist" | "est" | "es" | "é")
        {
            bound = false;
        }
    }
    bound
}

/// Whether what stands before a number makes it the most or the least: "como máximo", "au plus".
pub(super) fn is_most(before: &str) -> bool {
    const MOST: &[&str] = &[
        "como máximo",
        "como mucho",
        "a lo sumo",
        "al menos",
        "como mínimo",
        "por lo menos",
        "au plus",
        "au moins",
        "au maximum",
        "au minimum",
        "no máximo",
        "pelo menos",
        "no mínimo",
        "al massimo",
        "almeno",
        "al minimo",
        "не более",
        "не менее",
        "не больше",
        "не меньше",
        "максимум",
        "минимум",
        "maximal",
        "minimal",
        "wenigstens",
        "hoogstens",
        "minstens",
    ];
    let lower = before.trim_end().to_lowercase();
    MOST.iter().any(|most| lower.strip_suffix(most).is_some_and(|head| !head.ends_with(char::is_alphabetic)))
}

/// "The answer is 73 tops", "… 73 max": behind the number, at the end.
pub(super) fn is_called_most(said: &str) -> bool {
    let said = said.trim_end_matches([' ', '.', '!', ')', '*']);
    [
        "tops",
        "max",
        "min",
        "maximum",
        "minimum",
        "or thereabouts",
        "give or take",
        "plus or minus",
        "at a guess",
    ]
    .iter()
    .any(|word| {
        said.strip_suffix(word).is_some_and(|head| {
            let number = head.trim_end_matches([' ', ',', '$']);
            // "5 min" is a time.
            number.len() < head.len()
                && number.ends_with(|c: char| c.is_ascii_digit())
                && (*word != "min" || head.ends_with(", "))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_no_answers() {
        for before in ["An upper bound for the ", "The estimated ", "A rough ", "So the upper limit of the "]
        {
            assert!(is_of_bound(before), "{before}");
        }
        for before in [
            "The ",
            "The upper bound is 72, so the ",
            "The bound is attained and the ",
            "The time limit applies to the ",
        ] {
            assert!(!is_of_bound(before), "{before}");
        }
        assert!(is_called_most("answer is 73 tops.") && is_called_most("answer is 73, max"));
        assert!(!is_called_most("answer is 5 min") && !is_called_most("answer is 7 stops"));
    }
}
