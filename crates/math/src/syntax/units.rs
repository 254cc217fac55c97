//! Units: which words are units, and which of them measure the same thing.

use dashu_int::IBig;
use dashu_ratio::RBig;

/// A known unit: what it measures and its size in the base unit of that.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unit {
    pub(crate) dimension: &'static str,
    pub(crate) power: u32,
    pub(crate) scale: RBig,
}

/// (names, dimension, numerator, denominator).
type Row = (&'static [&'static str], &'static str, i64, i64);

const UNITS: &[Row] = &[
    (&["mm", "millimeter", "millimetre"], "length", 1, 1000),
    (&["cm", "centimeter", "centimetre"], "length", 1, 100),
    (&["dm", "decimeter", "decimetre"], "length", 1, 10),
    (&["m", "meter", "metre"], "length", 1, 1),
    (&["km", "kilometer", "kilometre"], "length", 1000, 1),
    (&["in", "inch", "inches"], "length", 254, 10_000),
    (&["ft", "foot", "feet"], "length", 3048, 10_000),
    (&["yd", "yard"], "length", 9144, 10_000),
    (&["mi", "mile"], "length", 1_609_344, 1000),
    (&["mg", "milligram"], "mass", 1, 1000),
    (&["g", "gram"], "mass", 1, 1),
    (&["kg", "kilogram"], "mass", 1000, 1),
    (&["oz", "ounce"], "mass", 28_349_523_125, 1_000_000_000),
    (&["lb", "lbs", "pound"], "mass", 45_359_237, 100_000),
    (&["ton", "tonne"], "mass", 1_000_000, 1),
    (&["ms", "millisecond"], "time", 1, 1000),
    (&["s", "sec", "second"], "time", 1, 1),
    (&["min", "minute"], "time", 60, 1),
    (&["h", "hr", "hour"], "time", 3600, 1),
    (&["day"], "time", 86_400, 1),
    (&["week"], "time", 604_800, 1),
    (&["month"], "month", 1, 1),
    (&["year", "yr"], "month", 12, 1),
    (&["ml", "milliliter", "millilitre"], "volume", 1, 1000),
    (&["l", "liter", "litre"], "volume", 1, 1),
    (&["gallon", "gal"], "gallon", 1, 1),
    (&["quart"], "gallon", 1, 4),
    (&["pint"], "gallon", 1, 8),
    (&["cup"], "gallon", 1, 16),
    (&["cent", "¢"], "dollar", 1, 100),
    (&["dime"], "dollar", 1, 10),
    (&["dollar", "usd", "$", "buck"], "dollar", 1, 1),
    (&["euro", "eur", "€"], "euro", 1, 1),
    (&["£", "gbp"], "gbp", 1, 1),
    (&["yen", "jpy", "¥"], "yen", 1, 1),
    (&["yuan", "rmb"], "yuan", 1, 1),
    (&["rupee", "₹"], "rupee", 1, 1),
    (&["mph"], "speed", 1_609_344, 3_600_000),
    (&["kmh", "kph", "km/h"], "speed", 1000, 3600),
    (&["m/s"], "speed", 1, 1),
    (&["hz", "hertz"], "frequency", 1, 1),
    (&["n", "newton"], "force", 1, 1),
    (&["j", "joule"], "energy", 1, 1),
    (&["kj", "kilojoule"], "energy", 1000, 1),
    (&["w", "watt"], "power", 1, 1),
    (&["kw", "kilowatt"], "power", 1000, 1),
    (&["v", "volt"], "voltage", 1, 1),
    (&["pa", "pascal"], "pressure", 1, 1),
    (&["mol", "mole"], "amount", 1, 1),
    (&["radian", "rad"], "angle", 1, 1),
];

/// Counted things that are often written after a number; they measure nothing that could be converted.
const COUNTED: &[&str] = &[
    "unit", "square", "sq", "cubic", "cu", "people", "person", "student", "way", "apple", "ways", "day",
    "book", "time", "point", "page", "item", "piece", "car", "ball", "card", "coin", "child", "children",
    "men", "women", "boy", "girl", "game", "step", "number", "integer", "solution", "degree", "minute",
    "percent", "bag", "box", "per", "marble", "seat", "ticket", "tree", "cookie", "candy", "candies",
    "dozen", "bin", "paper", "kid", "cm", "row",
];

/// Words that multiply the number before them, as powers of ten.
pub(crate) fn multiplier(word: &str) -> Option<u32> {
    Some(match word {
        "thousand" => 3,
        "million" => 6,
        "billion" => 9,
        "trillion" => 12,
        _ => return None,
    })
}

fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 1 && !stem.ends_with('s') => stem,
        _ => word,
    }
}

/// Whether a lower-case word of plain text is a unit. One letter is not enough: it is a letter then.
pub(crate) fn is_unit_word(word: &str) -> bool {
    let stem = singular(word);
    // "in" is a preposition far more often than inches.
    if multiplier(word).is_some() {
        return true;
    }
    word.len() > 1
        && word != "in"
        && (row(word).is_some() || row(stem).is_some() || COUNTED.contains(&word) || COUNTED.contains(&stem))
}

fn row(word: &str) -> Option<&'static Row> {
    UNITS.iter().find(|(names, ..)| names.contains(&word))
}

/// The unit that a text names, if it is known: "cm", "square inches", "cm^2", "dollars".
pub(crate) fn unit(text: &str) -> Option<Unit> {
    let lower = text.to_lowercase();
    let mut power = 1u32;
    let mut found: Option<&Row> = None;
    for raw in lower.split(|c: char| c.is_whitespace() || c == '.').filter(|part| !part.is_empty()) {
        let (word, exponent) = match raw.split_once('^') {
            Some((word, exponent)) => (word, exponent.trim_matches(|c| c == '{' || c == '}').parse().ok()?),
            None => (raw, 1),
        };
        match word {
            "square" | "sq" => power = 2,
            "cubic" | "cu" => power = 3,
            "us" | "of" => {}
            _ => {
                let row = row(word).or_else(|| row(singular(word)))?;
                if found.is_some() {
                    return None;
                }
                found = Some(row);
                power = power.max(exponent);
            }
        }
    }
    let (_, dimension, numerator, denominator) = *found?;
    let scale = RBig::from_parts_signed(IBig::from(numerator), IBig::from(denominator));
    Some(Unit { dimension, power, scale: scale.pow(power.min(4) as isize) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_their_plurals() {
        assert!(is_unit_word("inches") && is_unit_word("dollars") && is_unit_word("feet"));
        assert!(!is_unit_word("x") && !is_unit_word("ab"));
        assert_eq!(unit("square inches"), unit("inches^2"));
        assert_eq!(unit("meters").unwrap().scale, RBig::from(100) * unit("cm").unwrap().scale);
        assert!(unit("apples").is_none());
    }
}
