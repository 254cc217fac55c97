//! Units: which words are units, what they measure, and how they multiply.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use dashu_int::IBig;
use dashu_ratio::RBig;

use super::words::Fnv;

/// A known unit: its dimension as powers of base units, in alphabetical order, and its size in these.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unit {
    pub(crate) dimension: Vec<(&'static str, i32)>,
    pub(crate) scale: RBig,
    /// What its zero is above the base unit's, in base units: only temperatures have one.
    pub(crate) zero: RBig,
}

impl Unit {
    fn none() -> Unit {
        Unit { dimension: Vec::new(), scale: RBig::from(1), zero: RBig::from(0) }
    }

    /// "units", "square units": whatever is measured.
    pub(crate) fn is_unnamed(&self) -> bool {
        matches!(self.dimension.as_slice(), [("unit", _)])
    }

    fn times(mut self, other: &Unit, power: i32) -> Unit {
        for (base, exponent) in &other.dimension {
            match self.dimension.iter_mut().find(|(name, _)| name == base) {
                Some((_, total)) => *total += exponent * power,
                None => self.dimension.push((base, exponent * power)),
            }
        }
        self.dimension.retain(|(_, exponent)| *exponent != 0);
        self.dimension.sort_unstable();
        self.scale *= other.scale.pow(power as isize);
        self.zero = if self.dimension.len() == 1 && power == 1 { other.zero.clone() } else { RBig::from(0) };
        self
    }
}

/// (names, dimension, numerator, denominator). Names of one or two letters keep their case.
type Row = (&'static [&'static str], &'static [(&'static str, i32)], i64, i64);

const LENGTH: &[(&str, i32)] = &[("m", 1)];
const AREA: &[(&str, i32)] = &[("m", 2)];
const VOLUME: &[(&str, i32)] = &[("m", 3)];
const MASS: &[(&str, i32)] = &[("g", 1)];
const TIME: &[(&str, i32)] = &[("s", 1)];
const SPEED: &[(&str, i32)] = &[("m", 1), ("s", -1)];
const ENERGY: &[(&str, i32)] = &[("g", 1), ("m", 2), ("s", -2)];
const PRESSURE: &[(&str, i32)] = &[("g", 1), ("m", -1), ("s", -2)];
const DOLLAR: &[(&str, i32)] = &[("dollar", 1)];

const UNITS: &[Row] = &[
    (&["nm", "nanometer", "nanometre"], LENGTH, 1, 1_000_000_000),
    (&["µm", "μm", "um", "micrometer", "micrometre", "micron"], LENGTH, 1, 1_000_000),
    (&["mm", "millimeter", "millimetre", "毫米", "мм"], LENGTH, 1, 1000),
    (
        &["cm", "centimeter", "centimetre", "centímetro", "centimètre", "厘米", "公分", "см", "センチ"],
        LENGTH,
        1,
        100,
    ),
    (&["dm", "decimeter", "decimetre", "分米"], LENGTH, 1, 10),
    (
        &["m", "meter", "metre", "metro", "mètre", "米", "公尺", "м", "метр", "метров", "метра", "미터"],
        LENGTH,
        1,
        1,
    ),
    (
        &["km", "kilometer", "kilometre", "kilómetro", "kilomètre", "千米", "公里", "км", "킬로미터"],
        LENGTH,
        1000,
        1,
    ),
    (&["in", "inch", "inches"], LENGTH, 254, 10_000),
    (&["ft", "foot", "feet"], LENGTH, 3048, 10_000),
    (&["yd", "yard"], LENGTH, 9144, 10_000),
    (&["mi", "mile"], LENGTH, 1_609_344, 1000),
    (&["acre"], AREA, 40_468_564_224, 10_000_000),
    (&["ha", "hectare"], AREA, 10_000, 1),
    (&["mg", "milligram", "milligramme", "毫克"], MASS, 1, 1000),
    (&["g", "gram", "gramme", "gramo", "grama", "克", "г", "грамм", "граммов", "그램"], MASS, 1, 1),
    (&["kg", "kilogram", "kilogramme", "kilo", "kilogramo", "千克", "公斤", "кг", "킬로그램"], MASS, 1000, 1),
    (&["oz", "ounce"], MASS, 28_349_523_125, 1_000_000_000),
    (&["lb", "lbs", "pound"], MASS, 45_359_237, 100_000),
    (&["ton", "tonne", "吨"], MASS, 1_000_000, 1),
    (&["ns", "nanosecond"], TIME, 1, 1_000_000_000),
    (&["µs", "μs", "microsecond"], TIME, 1, 1_000_000),
    (&["ms", "millisecond"], TIME, 1, 1000),
    (&["s", "sec", "second", "seconde", "segundo", "sekunde", "sekunden", "秒", "초", "секунд"], TIME, 1, 1),
    (&["min", "minute", "minuto", "minuten", "分钟", "分鐘", "минут", "분"], TIME, 60, 1),
    (
        &[
            "h",
            "hr",
            "hour",
            "heure",
            "hora",
            "stunde",
            "stunden",
            "小时",
            "小時",
            "時間",
            "часов",
            "часа",
            "시간",
        ],
        TIME,
        3600,
        1,
    ),
    (&["day", "jour", "día", "dia", "tage", "天", "дней", "일"], TIME, 86_400, 1),
    (&["week", "wk"], TIME, 604_800, 1),
    (&["fortnight"], TIME, 1_209_600, 1),
    (&["month"], &[("month", 1)], 1, 1),
    (&["year", "yr"], &[("month", 1)], 12, 1),
    (&["decade"], &[("month", 1)], 120, 1),
    (&["century", "centuries"], &[("month", 1)], 1200, 1),
    (&["ml", "mL", "milliliter", "millilitre", "毫升", "cc"], VOLUME, 1, 1_000_000),
    (&["cl", "cL", "centiliter", "centilitre"], VOLUME, 1, 100_000),
    (&["dl", "dL", "deciliter", "decilitre"], VOLUME, 1, 10_000),
    (&["l", "L", "liter", "litre", "litro", "升", "литров"], VOLUME, 1, 1000),
    (&["gallon", "gal"], VOLUME, 3_785_411_784, 1_000_000_000_000),
    (&["quart", "qt"], VOLUME, 3_785_411_784, 4_000_000_000_000),
    (&["pint", "pt"], VOLUME, 3_785_411_784, 8_000_000_000_000),
    (&["cup"], VOLUME, 3_785_411_784, 16_000_000_000_000),
    (&["tablespoon", "tbsp"], VOLUME, 3_785_411_784, 256_000_000_000_000),
    (&["teaspoon", "tsp"], VOLUME, 3_785_411_784, 768_000_000_000_000),
    (&["cent", "¢", "penny", "pennies"], DOLLAR, 1, 100),
    (&["nickel"], DOLLAR, 5, 100),
    (&["dime"], DOLLAR, 1, 10),
    (
        &[
            "dollar",
            "usd",
            "$",
            "buck",
            "dólar",
            "доллар",
            "долларов",
            "CAD",
            "AUD",
            "NZD",
            "HKD",
            "SGD",
            "TWD",
        ],
        DOLLAR,
        1,
        1,
    ),
    (&["euro", "eur", "€"], &[("euro", 1)], 1, 1),
    (&["£", "gbp"], &[("gbp", 1)], 1, 1),
    (&["pence"], &[("gbp", 1)], 1, 100),
    (&["yen", "jpy", "円", "¥"], &[("yen", 1)], 1, 1),
    (&["yuan", "rmb", "cny", "元"], &[("yuan", 1)], 1, 1),
    (&["원", "krw"], &[("krw", 1)], 1, 1),
    (&["rupee", "₹", "inr"], &[("rupee", 1)], 1, 1),
    (&["руб", "рублей", "рубля", "рубль", "ruble", "RUB"], &[("ruble", 1)], 1, 1),
    (&["CHF"], &[("CHF", 1)], 1, 1),
    (&["SEK"], &[("SEK", 1)], 1, 1),
    (&["NOK"], &[("NOK", 1)], 1, 1),
    (&["DKK"], &[("DKK", 1)], 1, 1),
    (&["PLN"], &[("PLN", 1)], 1, 1),
    (&["CZK"], &[("CZK", 1)], 1, 1),
    (&["HUF"], &[("HUF", 1)], 1, 1),
    (&["BRL"], &[("BRL", 1)], 1, 1),
    (&["MXN"], &[("MXN", 1)], 1, 1),
    (&["ARS"], &[("ARS", 1)], 1, 1),
    (&["CLP"], &[("CLP", 1)], 1, 1),
    (&["COP"], &[("COP", 1)], 1, 1),
    (&["PEN"], &[("PEN", 1)], 1, 1),
    (&["ZAR"], &[("ZAR", 1)], 1, 1),
    (&["NGN"], &[("NGN", 1)], 1, 1),
    (&["KES"], &[("KES", 1)], 1, 1),
    (&["GHS"], &[("GHS", 1)], 1, 1),
    (&["EGP"], &[("EGP", 1)], 1, 1),
    (&["TRY"], &[("TRY", 1)], 1, 1),
    (&["ILS"], &[("ILS", 1)], 1, 1),
    (&["AED"], &[("AED", 1)], 1, 1),
    (&["SAR"], &[("SAR", 1)], 1, 1),
    (&["QAR"], &[("QAR", 1)], 1, 1),
    (&["PKR"], &[("PKR", 1)], 1, 1),
    (&["BDT"], &[("BDT", 1)], 1, 1),
    (&["LKR"], &[("LKR", 1)], 1, 1),
    (&["NPR"], &[("NPR", 1)], 1, 1),
    (&["IDR"], &[("IDR", 1)], 1, 1),
    (&["MYR"], &[("MYR", 1)], 1, 1),
    (&["THB"], &[("THB", 1)], 1, 1),
    (&["PHP"], &[("PHP", 1)], 1, 1),
    (&["VND"], &[("VND", 1)], 1, 1),
    (&["UAH"], &[("UAH", 1)], 1, 1),
    (&["RON"], &[("RON", 1)], 1, 1),
    (&["mph"], SPEED, 1_609_344, 3_600_000),
    (&["kmh", "kph", "kmph"], SPEED, 1000, 3600),
    (&["mpg"], &[("m", -2)], 1_609_344_000_000_000, 3_785_411_784),
    (&["mps"], SPEED, 1, 1),
    (&["fps"], SPEED, 3048, 10_000),
    (&["knot"], SPEED, 1852, 3600),
    (&["Hz", "hz", "hertz"], &[("s", -1)], 1, 1),
    (&["kHz", "khz", "kilohertz"], &[("s", -1)], 1000, 1),
    (&["MHz", "megahertz"], &[("s", -1)], 1_000_000, 1),
    (&["N", "newton"], &[("g", 1), ("m", 1), ("s", -2)], 1000, 1),
    (&["kN", "kilonewton"], &[("g", 1), ("m", 1), ("s", -2)], 1_000_000, 1),
    (&["J", "joule"], ENERGY, 1000, 1),
    (&["kJ", "kj", "kilojoule"], ENERGY, 1_000_000, 1),
    (&["MJ", "megajoule"], ENERGY, 1_000_000_000, 1),
    (&["cal", "calorie"], ENERGY, 4184, 1),
    (&["kcal", "kilocalorie"], ENERGY, 4_184_000, 1),
    (&["Wh"], ENERGY, 3_600_000, 1),
    (&["kWh", "kwh"], ENERGY, 3_600_000_000, 1),
    (&["W", "watt"], &[("g", 1), ("m", 2), ("s", -3)], 1000, 1),
    (&["mW", "milliwatt"], &[("g", 1), ("m", 2), ("s", -3)], 1, 1),
    (&["kW", "kw", "kilowatt"], &[("g", 1), ("m", 2), ("s", -3)], 1_000_000, 1),
    (&["MW", "megawatt"], &[("g", 1), ("m", 2), ("s", -3)], 1_000_000_000, 1),
    (&["V", "volt"], &[("A", -1), ("g", 1), ("m", 2), ("s", -3)], 1000, 1),
    (&["kV", "kilovolt"], &[("A", -1), ("g", 1), ("m", 2), ("s", -3)], 1_000_000, 1),
    (&["mV", "millivolt"], &[("A", -1), ("g", 1), ("m", 2), ("s", -3)], 1, 1),
    (&["A", "amp", "ampere"], &[("A", 1)], 1, 1),
    (&["mA", "milliamp", "milliampere"], &[("A", 1)], 1, 1000),
    (&["Ω", "ohm"], &[("A", -2), ("g", 1), ("m", 2), ("s", -3)], 1000, 1),
    (&["kΩ", "kilohm", "kiloohm"], &[("A", -2), ("g", 1), ("m", 2), ("s", -3)], 1_000_000, 1),
    (&["Pa", "pa", "pascal"], PRESSURE, 1000, 1),
    (&["kPa", "kpa", "kilopascal"], PRESSURE, 1_000_000, 1),
    (&["MPa", "megapascal"], PRESSURE, 1_000_000_000, 1),
    (&["atm", "atmosphere"], PRESSURE, 101_325_000, 1),
    (&["mol", "mole"], &[("mol", 1)], 1, 1),
    (&["mmol", "millimole"], &[("mol", 1)], 1, 1000),
    (&["K", "kelvin"], &[("K", 1)], 1, 1),
    (&["radian", "rad"], &[("rad", 1)], 1, 1),
    (&["bit"], &[("bit", 1)], 1, 1),
    (&["byte"], &[("bit", 1)], 8, 1),
    (&["unit"], &[("unit", 1)], 1, 1),
];

/// Counted things that are often written after a number; they measure nothing that could be converted.
const COUNTED: &[&str] = &[
    "unit", "square", "sq", "cubic", "cu", "people", "person", "student", "way", "apple", "ways", "day",
    "book", "time", "point", "page", "item", "piece", "car", "ball", "card", "coin", "child", "children",
    "men", "women", "boy", "girl", "game", "step", "number", "integer", "solution", "degree", "minute",
    "percent", "bag", "box", "per", "marble", "seat", "ticket", "tree", "cookie", "candy", "candies",
    "dozen", "bin", "paper", "kid", "cm", "row", "hundred",
];

/// Words that multiply the number before them, and by what.
const MULTIPLIERS: &[(&str, i64)] = &[
    ("dozen", 12),
    ("dozens", 12),
    ("hundred", 100),
    ("hundreds", 100),
    ("百", 100),
    ("thousand", 1000),
    ("thousands", 1000),
    ("千", 1000),
    ("천", 1000),
    ("тысяч", 1000),
    ("тысячи", 1000),
    ("тыс", 1000),
    ("mil", 1000),
    ("mille", 1000),
    ("tausend", 1000),
    ("万", 10_000),
    ("萬", 10_000),
    ("만", 10_000),
    ("lakh", 100_000),
    ("crore", 10_000_000),
    ("million", 1_000_000),
    ("millions", 1_000_000),
    ("миллион", 1_000_000),
    ("миллионов", 1_000_000),
    ("millón", 1_000_000),
    ("millones", 1_000_000),
    ("millionen", 1_000_000),
    ("milhões", 1_000_000),
    ("亿", 100_000_000),
    ("億", 100_000_000),
    ("억", 100_000_000),
    ("billion", 1_000_000_000),
    ("billions", 1_000_000_000),
    ("миллиард", 1_000_000_000),
    ("миллиардов", 1_000_000_000),
    ("milliarden", 1_000_000_000),
    ("trillion", 1_000_000_000_000),
    ("trillions", 1_000_000_000_000),
];

/// What a word multiplies the number before it by.
pub(crate) fn multiplier(word: &str) -> Option<i64> {
    static WORDS: LazyLock<HashMap<&str, i64, Fnv>> = LazyLock::new(|| MULTIPLIERS.iter().copied().collect());
    WORDS.get(word).copied()
}

/// Units that are words or letters far more often: they count where all of an answer is an amount.
const AMBIGUOUS: &[&str] = &[
    "in", "nm", "ns", "um", "ha", "pt", "qt", "cl", "dl", "cc", "wk", "mv", "kv", "ma", "mw", "mj", "kn",
    "wh", "bit", "cal", "amp", "mps", "fps", "mm²",
];

fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 1 && !stem.ends_with('s') => stem,
        _ => word,
    }
}

/// Names of units and counted things in plain text, but for those that are seldom meant as such, and words for large
/// numbers.
pub(super) fn unit_words() -> impl Iterator<Item = &'static str> {
    let names = UNITS.iter().flat_map(|row| row.0).chain(COUNTED).copied();
    names
        .filter(|name| !AMBIGUOUS.contains(name) && name.len() >= 2)
        .chain(MULTIPLIERS.iter().map(|(name, _)| *name))
}

/// Whether a lower-case word of plain text is a unit. One letter is not enough: it is a letter then.
pub(crate) fn is_unit_word(word: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str, Fnv>> = LazyLock::new(|| unit_words().collect());
    // The plural of a unit that is seldom meant as such is one.
    static STEMS: LazyLock<HashSet<&str, Fnv>> = LazyLock::new(|| {
        UNITS.iter().flat_map(|row| row.0).chain(COUNTED).chain(AMBIGUOUS).copied().collect()
    });
    WORDS.contains(word)
        || word.ends_with('s') && {
            let stem = singular(word);
            stem.len() < word.len() && !AMBIGUOUS.contains(&word) && STEMS.contains(stem)
        }
}

fn row(word: &str) -> Option<&'static Row> {
    static ROWS: LazyLock<HashMap<&str, &Row, Fnv>> = LazyLock::new(|| {
        let mut rows: HashMap<&str, &Row, Fnv> = HashMap::default();
        for row in UNITS {
            for name in row.0 {
                rows.entry(*name).or_insert(row);
            }
        }
        rows
    });
    ROWS.get(word).copied()
}

/// The unit with this one name: as written, in lower case, in the singular.
fn named(word: &str) -> Option<Unit> {
    if matches!(word, "°C" | "℃" | "C°") || word.eq_ignore_ascii_case("celsius") {
        return Some(temperature(RBig::from(1), RBig::from_parts(27_315.into(), 100u8.into())));
    }
    if matches!(word, "°F" | "℉" | "F°") || word.eq_ignore_ascii_case("fahrenheit") {
        // 0 °F is 459.67 · 5/9 K.
        let step = RBig::from_parts(5.into(), 9u8.into());
        return Some(temperature(step.clone(), step * RBig::from_parts(45_967.into(), 100u8.into())));
    }
    let lower = if word.bytes().all(|b| b.is_ascii_lowercase()) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(word.to_lowercase())
    };
    let found = row(word)
        .or_else(|| if lower == word { None } else { row(&lower) })
        .or_else(|| if lower.ends_with('s') { row(singular(&lower)) } else { None });
    let (_, dimension, numerator, denominator) = found?;
    let scale = RBig::from_parts_signed(IBig::from(*numerator), IBig::from(*denominator));
    Some(Unit { dimension: dimension.to_vec(), scale, zero: RBig::from(0) })
}

fn temperature(scale: RBig, zero: RBig) -> Unit {
    Unit { dimension: vec![("K", 1)], scale, zero }
}

/// Words of units that are none themselves.
const JOINING: &[&str] =
    &["us", "per", "pro", "por", "par", "square", "sq", "cubic", "cu", "squared", "cubed"];

/// The unit that a text names, if it is known: "cm", "square inches", "cm^2", "km/h", "miles per hour", "N·m".
pub(crate) fn unit(text: &str) -> Option<Unit> {
    // One word, as most units are: nothing to multiply.
    let word = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic());
    if word && !JOINING.iter().any(|joining| joining.eq_ignore_ascii_case(text)) {
        let mut unit = named(text)?;
        unit.dimension.sort_unstable();
        return Some(unit);
    }
    let mut total = Unit::none();
    let mut known = false;
    // Behind a slash or "per", one unit divides.
    let mut sign = 1;
    let mut next_power = 1;
    let mut last: Option<(Unit, i32)> = None;
    for part in parts(text) {
        let part = part.trim_end_matches('.');
        match part.to_lowercase().as_str() {
            "" | "us" | "·" | "*" | "-" => continue,
            "/" | "per" | "а" | "pro" | "por" | "par" => {
                sign = -1;
                continue;
            }
            "square" | "sq" | "平方" | "кв" => {
                next_power = 2;
                continue;
            }
            "cubic" | "cu" | "立方" | "куб" => {
                next_power = 3;
                continue;
            }
            _ => {}
        }
        let (word, exponent) = match part.split_once('^') {
            Some((word, exponent)) => (word, exponent.trim_matches(['{', '}']).parse::<i32>().ok()?),
            None => (part, 1),
        };
        if !(1..=6).contains(&exponent.abs()) {
            return None;
        }
        let power = match word.to_lowercase().as_str() {
            // "centimeters squared", "square" before it.
            "squared" | "cubed" if known => {
                let more = if word.eq_ignore_ascii_case("squared") { 1 } else { 2 };
                let (last, power) = last.clone()?;
                total = total.times(&last, power * more);
                continue;
            }
            _ => exponent * next_power * sign,
        };
        next_power = 1;
        let found = named(word).or_else(|| {
            let (prefix, rest) = [("平方", 2), ("立方", 3)]
                .into_iter()
                .find_map(|(prefix, power)| Some((power, word.strip_prefix(prefix)?)))?;
            Some(Unit::none().times(&named(rest)?, prefix))
        })?;
        total = total.times(&found, power);
        last = Some((found, power));
        sign = 1;
        known = true;
        if total.dimension.len() > 8 {
            return None;
        }
    }
    known.then_some(total)
}

/// Words, and the signs between them as parts of their own.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let separator = |c: char| matches!(c, '/' | '·' | '*' | '⋅' | '×');
        let length = if separator(first) {
            first.len_utf8()
        } else if first == '-' {
            1
        } else {
            // "kilowatt-hours" joins two; the minus of an exponent does not.
            let mut end = rest.len();
            let mut before = ' ';
            for (i, c) in rest.char_indices() {
                if c.is_whitespace() || separator(c) || c == '-' && before != '^' && before != '{' {
                    end = i;
                    break;
                }
                before = c;
            }
            end
        };
        let (part, behind) = rest.split_at(length);
        rest = behind;
        Some(if separator(first) && first != '/' { "·" } else { part })
    })
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

    #[test]
    fn units_multiply_and_divide() {
        for (one, other) in [
            ("km/h", "kilometers per hour"),
            ("m/s^2", "meters per second squared"),
            ("kilowatt-hours", "kWh"),
            ("N·m", "J"),
            ("N m", "joules"),
            ("square centimeters", "cm squared"),
            ("cubic feet", "ft^3"),
            ("mph", "miles per hour"),
            ("m s^{-1}", "m/s"),
            ("平方厘米", "cm^2"),
            ("L", "dm^3"),
            ("kg m^2/s^2", "J"),
        ] {
            assert!(unit(one).is_some(), "{one}");
            assert_eq!(unit(one), unit(other), "{one} {other}");
        }
        for (one, other) in
            [("cm^2", "cm^3"), ("km/h", "m/s"), ("g", "kg"), ("mW", "MW"), ("°C", "°F"), ("g/cm^3", "kg/m^3")]
        {
            assert!(unit(one).is_some() && unit(other).is_some(), "{one} {other}");
            assert_ne!(unit(one), unit(other), "{one} {other}");
        }
    }
}
