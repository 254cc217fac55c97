//! The words that decide what a sentence says of its numbers, in the languages that are read.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::syntax::commands::known;
use crate::syntax::words::Fnv;

/// What a word does in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Says nothing about what follows: "therefore", "the".
    Filler,
    /// Says that what follows is the value: "is", "equals".
    Copula,
    /// Says that what follows is not the value.
    Negation,
    /// What follows is what the value is not: "rather than", "instead of".
    Contrast,
    /// Turns to another claim.
    But,
    And,
    Or,
    /// Says that the value is not known to be right.
    Hedge,
    /// What follows says when or why: "when", "for", "because".
    Condition,
    /// What follows is another case of the same: "if", "otherwise".
    Case,
    /// The number before or behind it is only part of a quantity: "than", "plus", "half".
    Changer,
    /// Says that what stands before is wrong.
    Wrong,
    /// Ends a subordinate clause: "so", "then", "we".
    Main,
    Minus,
    Other,
}

/// The words that do something, by what they do; in lower case.
const WORDS: &[(Role, &str)] = &[
    (
        Role::Filler,
        "noch the a an therefore thus indeed simply just exactly lo tanto así luego de di del des du wir haben habe hanno avons logo portanto por daher folglich deshalb итак значит поэтому approximately about roughly around precisely \
         clearly only also that given by equal to be correct right final answer answers both either it \
         now finally namely probably likely still here this value result number total option choice \
         simplified obviously already again all shown in therefor hence must should would will seems \
         appears found well then of as 与 la le el der die das donc entonces 约 应该 等于 选 选项 就 \
         即 了 от course certainly surely definitely undoubtedly evidently ultimately consequently eventually \
         naturally truly really essentially basically literally apparently presumably accordingly",
    ),
    (
        Role::Copula,
        "is are was were does do did tiene tem hay há quedan restam bleiben bleibt reste equals becomes gives yields means has have had gets get got makes comes turns \
         obtain costs cost takes earns needs 是 为 為 есть равен равно равна составляет es son est sont ist \
         sind lautet beträgt é são è は 은 는 有 共",
    ),
    (
        Role::Negation,
        "not isn't isnt eliminate eliminated eliminates discard discarded reject rejected refuse refuses refused avoid avoids aren't wasn't weren't never cannot can't won't neither nor no doesn't don't \
         couldn't wouldn't shouldn't mustn't without exclude excludes excluded excluding except incorrectly hardly scarcely barely \
         nowhere nobody nicht weder kein keine keinen keinem keiner ninguna ninguno nenhum nenhuma nessuna keinesfalls keineswegs niemals mitnichten nie niet geen değil \
         bukan tidak không jamais aucun aucune tampoco jamás ningún mai nessun никогда отнюдь вовсе ليس \
         ليست नहीं ni не нет ne n'est pas não non nem nunca",
    ),
    (Role::Contrast, "rather instead unlike versus vs anstatt statt plutôt вместо invece"),
    (
        Role::But,
        "but however hmm hm wait actually correction sorry oops yet aber sondern mais \
         pero sino но а mas ma",
    ),
    (Role::And, "and & y e et und и 和 及 と 그리고 와 과"),
    (Role::Or, "or alternatively xor oder ou o или 或 或者 又は または もしくは 또는 혹은"),
    (
        Role::Hedge,
        "doubt doubts doubted doute doutons dudo duda dudamos duvido duvida bezweifle zweifle dubito сомневаюсь сомнительно tempting tempted anything everything maybe perhaps possibly might could may unsure uncertain conceivably \
         hypothetically somewhere supposedly allegedly doubtful unclear guess guessing unknown undetermined \
         vielleicht peut-être quizás quizá talvez возможно может forse eventuell möglicherweise puede \
         pourrait könnte podría poderia наверное wahrscheinlich",
    ),
    (
        Role::Condition,
        "when where although though for because since whenever provided assuming with per which who considering using \
         after before while whereas from out at on during among via through compared according wenn weil \
         da für bei quand lorsque car parce pour cuando porque para quando когда потому так при для 因为 \
         因為 当 當 其中 если pois où",
    ),
    (
        Role::Case,
        "if unless otherwise else until 如果 若 否则 除非 falls sonst si sinon se senão depending depends",
    ),
    (
        Role::Changer,
        "almost nearly opposite negation reciprocal inverse within multiple divisor than least most over under above below \
         between plus minus divided multiplied squared cubed twice double triple half halves third \
         thirds quarter quarters tenths hundredths thousandths fewer factorial exceeds exceeding beyond \
         past shy modulo power root point times up less score gross percentage infinitely choose mod minimum \
         maximum bounded moitié mitad metade metà половина половину половины hälfte doble dobro doppio doppelte \
         mehr weniger mindestens höchstens plusieurs más больше меньше 至少 最多 至多 顶多 頂多 高々 せいぜい 최대 최소 많아야 기껏해야 적어도 最大 最大で 最小で 超过 不到 大于 小于 \
         半 以上 以下",
    ),
    (
        Role::Wrong,
        "wrong overestimate underestimate overestimates underestimates overcount undercount overcounts undercounts fails fail failed contradicts violates extraneous inadmissible incorrect false mistaken falsch faux incorrecto incorrecta неверно неправильно неверный неправильный ошибочный ошибочно 错误 错 \
         errado errada sbagliato impossible invalid kidding joking contradiction contradictions contradictory \
         absurd absurdity incorreto incorreta incorretto incorrecte overshoots overshoot undershoots undershoot неверен",
    ),
    // Behind a value only: "he doubled 36 to get 72".
    (Role::Changer, "doubled tripled trebled quadrupled halved inverted negated"),
    (Role::Main, "so we there 所以 因此 故 そこで"),
    (Role::Minus, "negative menos moins meno минус マイナス 마이너스 负 負"),
];

/// The same by word. A match on strings compares one after another, which clauses with many words feel.
static ROLES: LazyLock<HashMap<&str, Listed, Fnv>> = LazyLock::new(|| {
    let listed = |role: Role, word: &'static str| {
        let letters = word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase());
        (word, Listed { role, only_word: letters && known(word).is_none() })
    };
    WORDS.iter().flat_map(|(role, words)| words.split_whitespace().map(|word| listed(*role, word))).collect()
});

/// A word of the list.
#[derive(Clone, Copy)]
pub(super) struct Listed {
    pub(super) role: Role,
    /// Whether it has two letters or more and means nothing to formulas: where it stands, it is a word, and nobody has
    /// to ask whether it is a name.
    pub(super) only_word: bool,
}

/// The word as it is listed.
pub(super) fn listed(word: &str) -> Option<Listed> {
    ROLES.get(word).copied()
}

/// What a word in lower case does.
pub(super) fn role(word: &str) -> Role {
    ROLES.get(word).map_or_else(|| other(word), |listed| listed.role)
}

/// Words of scripts without spaces hold several: the part that decides.
fn other(word: &str) -> Role {
    if word.is_ascii() {
        return if word.ends_with("n't") { Role::Negation } else { Role::Other };
    }
    let holds = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    if holds(&["而不是", "而非", "ではなく", "아니라", "じゃなく"]) {
        Role::Contrast
    } else if holds(&[
        "不是",
        "并非",
        "並非",
        "不等于",
        "不为",
        "绝非",
        "不会",
        "不會",
        "不可能",
        "不认为",
        "不認為",
        "不觉得",
        "不相信",
        "限らな",
        "わけではな",
        "思わな",
        "思えな",
        "ではな",
        "じゃな",
        "ありません",
        "아닙",
        "아니",
        "리가",
        "はずがな",
        "제외",
        "没有",
        "排除",
        "不选",
        "不選",
        "除了",
        "不對",
        "不对",
    ]) {
        Role::Negation
    } else if holds(&[
        "怀疑",
        "懷疑",
        "恐怕",
        "我猜",
        "猜测",
        "猜測",
        "推测",
        "推測",
        "추측",
        "可能",
        "也许",
        "也許",
        "或许",
        "大概",
        "不确定",
        "かもしれ",
        "たぶん",
        "おそらく",
        "多分",
        "恐らく",
        "아마",
        "수도",
        "지도",
        "모르",
    ]) {
        Role::Hedge
    } else if matches!(word, "か" | "到" | "至")
        || holds(&["还是", "還是", "或", "または", "もしくは", "또는", "혹은", "이나", "거나"])
    {
        Role::Or
    } else if holds(&["因为", "因為", "其中", "的时候", "なぜなら", "なので", "때문", "이므로"])
    {
        Role::Condition
    } else if ["マイナス", "마이너스", "负", "負"].iter().any(|minus| word.ends_with(minus)) {
        Role::Minus
    } else if holds(&[
        "如果",
        "假如",
        "假设",
        "若是",
        "倘若",
        "否则",
        "除非",
        "もし",
        "ならば",
        "만약",
        "만일",
        "라면",
    ]) {
        Role::Case
    } else if holds(&["错", "錯", "誤", "間違", "違い", "틀렸", "틀립", "잘못", "오답", "不正确", "不正確"])
    {
        Role::Wrong
    } else if holds(&["但"]) {
        Role::But
    } else if holds(&[
        "至少", "最多", "至多", "超过", "大于", "小于", "以上", "以下", "不到", "이상", "이하", "未満",
        "不足", "上界", "下界", "上限", "下限", "估计", "估計", "估算", "推定", "概算", "見積", "상한",
        "하한", "상계", "하계", "추정",
    ]) || holds(OPERATIONS)
        || ["より", "보다"].iter().any(|than| word.starts_with(than))
        || word.ends_with('比') && !word.ends_with("之比")
    {
        Role::Changer
    } else {
        Role::Other
    }
}

/// What scripts without spaces write for half of a value, twice it, its square, all but it.
pub(super) const OPERATIONS: &[&str] = &[
    "一半",
    "半分",
    "的两倍",
    "的二倍",
    "的三倍",
    "の二倍",
    "の三倍",
    "的平方",
    "の二乗",
    "的立方",
    "的倒数",
    "的倍数",
    "的倍數",
    "の倍数",
    "的约数",
    "的因数",
    "的因子",
    "の約数",
    "배수",
    "약수",
    "の逆数",
    "以外",
    "절반",
    "제곱",
    "두 배",
    "이외",
    "외에",
];

/// How sentences begin that say nothing about the answer, in lower case.
const CLOSINGS: &[&str] = &[
    "let me know",
    "i hope",
    "hope this",
    "feel free",
    "please",
    "note that",
    "note:",
    "if you",
    "thank",
    "good luck",
    "do you",
    "would you",
    "you can",
    "is there",
    "let's verify",
    "let us verify",
    "check",
    "verif",
    "to verify",
    "to check",
    "to double",
    "to confirm",
    "double-check",
    "double check",
    "let me verify",
    "let me check",
    "let me double",
    "let's check",
    "let us check",
    "let's double",
    "let's confirm",
    "we can verify",
    "we can check",
    "we verify",
    "we check",
    "wait, let me",
    "this matches",
    "this checks",
    "this confirms",
    "this is consistent",
    "this agrees",
    "sanity check",
    "indeed,",
    "as a check",
    "验证",
    "检验",
];

type ByStart = HashMap<[u8; 2], Vec<&'static [u8]>, Fnv>;

/// The same by their first two bytes: most sentences begin with others.
static CLOSINGS_BY_START: LazyLock<ByStart> = LazyLock::new(|| {
    let mut starts = ByStart::default();
    for closing in CLOSINGS.iter().map(|closing| closing.as_bytes()) {
        starts.entry([closing[0], closing[1]]).or_default().push(closing);
    }
    starts
});

/// Sentences that say nothing about the answer.
pub(super) fn is_closing(sentence: &str) -> bool {
    let sentence = sentence.trim_start();
    let bytes = &sentence.as_bytes()[..sentence.len().min(24)];
    if bytes.is_ascii() {
        let [first, second, ..] = bytes else { return false };
        let start = [first.to_ascii_lowercase(), second.to_ascii_lowercase()];
        return CLOSINGS_BY_START.get(&start).is_some_and(|closings| {
            closings.iter().any(|closing| {
                bytes.get(..closing.len()).is_some_and(|start| start.eq_ignore_ascii_case(closing))
            })
        });
    }
    let start: String = sentence.chars().take(24).collect::<String>().to_lowercase();
    CLOSINGS.iter().any(|closing| start.starts_with(closing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_scripts_without_spaces_are_looked_into() {
        assert_eq!(role("不是"), Role::Negation);
        assert_eq!(role("答案并不是"), Role::Negation);
        assert_eq!(role("ではありません"), Role::Negation);
        assert_eq!(role("또는"), Role::Or);
        assert_eq!(role("个苹果"), Role::Other);
        assert_eq!(role("hasn't"), Role::Negation);
    }

    #[test]
    fn no_word_does_two_things() {
        let count: usize = WORDS.iter().map(|(_, words)| words.split_whitespace().count()).sum();
        assert_eq!(ROLES.len(), count);
    }
}
