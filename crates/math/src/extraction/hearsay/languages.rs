//! What others say, in the other languages of Europe that are read.

/// How a language names a source before it is named, what it may be without being somebody, and how it ends where no comma
/// ends it.
struct Source {
    /// In lower case.
    leads: &'static [&'static str],
    /// Whether the lead is a word that means something else inside of a sentence.
    opening: bool,
    /// Beginnings of words, in lower case.
    impersonal: &'static [&'static str],
}

const SOURCES: &[Source] = &[
    Source {
        leads: &[
            "по словам ",
            "по мнению ",
            "со слов ",
            "согласно ",
            "как говорит ",
            "как сказал",
            "как утверждает ",
        ],
        opening: false,
        impersonal: &[
            "услови",
            "теорем",
            "формул",
            "правил",
            "закон",
            "определени",
            "задач",
            "рисун",
            "таблиц",
            "расч",
            "вычислени",
            "уравнени",
            "свойств",
            "данн",
            "график",
            "виета",
            "пифагор",
            "решени",
            "неравенств",
            "лемм",
            "диаграмм",
            "схем",
        ],
    },
    Source {
        leads: &["según ", "en opinión de ", "de acuerdo con ", "de acuerdo a ", "conforme a "],
        opening: false,
        impersonal: &[
            "enunciado",
            "problema",
            "teorema",
            "fórmula",
            "regla",
            "ley",
            "definición",
            "condici",
            "dato",
            "tabla",
            "gráfic",
            "figura",
            "ecuaci",
            "cálculo",
            "propiedad",
            "lo ",
            "esto",
            "patrón",
            "pregunta",
            "información",
            "desigualdad",
        ],
    },
    Source {
        leads: &["selon ", "d'après ", "d’après ", "de l'avis de ", "conformément à "],
        opening: false,
        impersonal: &[
            "énoncé",
            "problème",
            "théorème",
            "formule",
            "règle",
            "loi",
            "définition",
            "condition",
            "donnée",
            "tableau",
            "graph",
            "figure",
            "équation",
            "calcul",
            "propriété",
            "ce ",
            "cela",
            "question",
            "principe",
            "identité",
            "inégalité",
            "l'énoncé",
            "l’énoncé",
            "l'équation",
            "l'inégalité",
            "nos ",
            "mes ",
        ],
    },
    Source {
        leads: &[
            "laut ",
            "gemäß ",
            "gemäss ",
            "nach meinung ",
            "nach ansicht ",
            "nach aussage ",
            "nach angaben ",
            "nach angabe ",
        ],
        opening: false,
        impersonal: &[
            "aufgabe",
            "satz",
            "formel",
            "regel",
            "gesetz",
            "definition",
            "bedingung",
            "angabe",
            "tabelle",
            "grafik",
            "diagramm",
            "gleichung",
            "rechnung",
            "berechnung",
            "text",
            "voraussetzung",
            "ungleichung",
            "frage",
            "obig",
        ],
    },
    Source {
        leads: &["segundo ", "secondo "],
        opening: true,
        impersonal: &[
            "enunciado",
            "problema",
            "teorema",
            "fórmula",
            "formula",
            "regra",
            "regola",
            "lei",
            "legge",
            "definição",
            "definizione",
            "condiç",
            "condizion",
            "dado",
            "dati",
            "tabela",
            "tabella",
            "gráfico",
            "grafico",
            "figura",
            "equaç",
            "equazion",
            "cálculo",
            "calcol",
            "propriedade",
            "proprietà",
            "pergunta",
            "testo",
            "traccia",
            "passo",
            "termo",
            "termine",
            "número",
            "numero",
            "caso",
        ],
    },
    Source {
        leads: &["de acordo com ", "conforme ", "na opinião de ", "a detta di ", "volgens "],
        opening: false,
        impersonal: &[
            "enunciado",
            "problema",
            "teorema",
            "fórmula",
            "regra",
            "lei",
            "definição",
            "condiç",
            "dado",
            "tabela",
            "gráfico",
            "figura",
            "equaç",
            "cálculo",
            "propriedade",
            "pergunta",
            "opgave",
            "stelling",
            "formule",
            "regel",
            "wet",
            "definitie",
            "voorwaarde",
            "gegeven",
            "tabel",
            "vergelijking",
            "berekening",
            "vraag",
            "tekst",
        ],
    },
];

/// Verbs of saying that are said of others, before a statement; in lower case.
const SAYING: &[&str] = &[
    "говорит",
    "говорят",
    "сказал",
    "утвержда",
    "заявил",
    "считает",
    "считают",
    "думает",
    "полагает",
    "слышал",
    "якобы",
    "dice que",
    "dicen que",
    "dijo que",
    "dice:",
    "afirma que",
    "opina que",
    "cree que",
    "piensa que",
    "sostiene que",
    "asegura que",
    "me dijeron",
    "dit que",
    "disent que",
    "affirme que",
    "pense que",
    "croit que",
    "prétend que",
    "déclare que",
    "soutient que",
    "paraît que",
    "sagt,",
    "sagte,",
    "sagt:",
    "sagt dass",
    "meint",
    "behauptet",
    "glaubt",
    "denkt",
    "angeblich",
    "diz que",
    "dizem que",
    "disse que",
    "afirma que",
    "acha que",
    "acredita que",
    "pensa que",
    "alega que",
    "dice che",
    "dicono che",
    "ha detto che",
    "pensa che",
    "crede che",
    "afferma che",
    "zegt dat",
    "denkt dat",
    "beweert",
];

/// Those whose saying is one's own: what the problem says, what one may say.
const OWN: &[&str] = &[
    "problema",
    "enunciado",
    "énoncé",
    "problème",
    "aufgabe",
    "задач",
    "условие",
    "теорема",
    "teorema",
    "théorème",
    "satz",
    "on peut",
    "se puede",
    "pode-se",
    "si può",
    "man ",
    "on dit",
    "se dice que si",
];

/// The words that sources and verbs of saying begin with, and those of "nach Bobs Meinung".
pub(super) fn telling() -> impl Iterator<Item = &'static str> {
    let leads = SOURCES.iter().flat_map(|source| source.leads).chain(SAYING);
    let first = leads
        .filter_map(|lead| lead.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’'))).next());
    // Of "утвержда" only the beginning is listed.
    let inflected = [
        "утверждает",
        "утверждают",
        "утверждал",
        "утверждала",
        "заявил",
        "заявила",
        "слышала",
        "сказала",
        "сказали",
    ];
    first.filter(|word| word.len() > 1).chain(inflected).chain([
        "detta",
        "meinung",
        "ansicht",
        "aussage",
        "auffassung",
        "angaben",
    ])
}

pub(super) fn is_told(before: &str, said: &str) -> bool {
    let ahead = before.to_lowercase();
    let whole = format!("{ahead}{}", said.to_lowercase());
    let named = SOURCES.iter().any(|source| names_somebody(source, &whole));
    let says = SAYING.iter().any(|verb| {
        ahead.find(verb).is_some_and(|at| {
            at > 0
                && !OWN.iter().any(|own| ahead[..at].contains(own))
                && !ahead[at..].contains(|c: char| c.is_ascii_digit())
        })
    });
    let meaning = ["meinung", "ansicht", "aussage", "auffassung", "angaben"].iter().any(|word| {
        whole.find(word).is_some_and(|at| {
            let head = &whole[..at];
            let from = head.rfind(['.', ',']).map_or(0, |mark| mark + 1);
            let own = ["meiner", "unserer"].iter().any(|own| head[from..].contains(own));
            head[from..].trim_start().starts_with("nach ") && !own
        })
    });
    named || meaning || says
}

fn names_somebody(source: &Source, text: &str) -> bool {
    source.leads.iter().any(|lead| {
        text.match_indices(lead).any(|(at, _)| {
            let begins = !text[..at].ends_with(char::is_alphabetic);
            let head = text[..at].trim_end();
            let opens = head.is_empty() || head.ends_with([',', '(', ':']);
            let named = &text[at + lead.len()..];
            let end = named.find([',', ':', ')', ';', '.']).unwrap_or(named.len()).min(named.len());
            let named: Vec<&str> = named[..end].split_whitespace().take(6).collect();
            begins && (opens || !source.opening) && !named.is_empty() && {
                // "El segundo", "secondo termine": a number of a place.
                let named = named.join(" ") + " ";
                !source.impersonal.iter().any(|word| {
                    named
                        .match_indices(word)
                        .any(|(at, _)| at == 0 || named[..at].ends_with([' ', '\'', '’']))
                })
            }
        })
    })
}
