//! The dataset card.

use crate::survey::Survey;
use std::collections::BTreeMap;

/// A card for the Hugging Face hub: front matter, provenance, licences, counts, limits.
#[must_use]
pub fn card(survey: &Survey, licences: &BTreeMap<String, String>) -> String {
    let size = match survey.groups {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        _ => "1M<n<10M",
    };
    let fields = [
        "problem_id",
        "source",
        "task_type",
        "problem",
        "reference_solution",
        "positive_pool",
        "negative_bank",
        "metadata",
    ];
    let features: String =
        fields.iter().map(|field| format!("  - name: {field}\n    dtype: string\n")).collect();
    let provenance: String = survey
        .sources
        .iter()
        .map(|(source, count)| {
            let licence = licences.get(source).map_or("not stated in the configuration", String::as_str);
            format!("| {source} | {count} | {licence} |\n")
        })
        .collect();
    let made: Vec<String> = survey.makers.iter().map(|(maker, count)| format!("{maker} {count}")).collect();
    format!(
        "---\nlanguage:\n- en\npretty_name: TraceLift groups\ntags:\n- reward-modeling\n- reasoning\n\
         annotations_creators:\n- machine-generated\nlanguage_creators:\n- found\n- machine-generated\n\
         size_categories:\n- {size}\ntask_categories:\n- text-classification\nconfigs:\n- config_name: default\n  \
         data_files:\n  - split: train\n    path: data/train-*.parquet\ndataset_info:\n  features:\n{features}  \
         splits:\n  - name: train\n    num_examples: {}\n---\n\n# TraceLift groups\n\nA row is a group: one problem, a \
         reference reasoning trace and flawed ones, each with rubric labels (five dimensions, 0 to 4) and a total (0 to \
         1). `positive_pool`, `negative_bank` and `metadata` are JSON texts.\n\n## Provenance and licences\n\n| source | \
         groups | licence |\n|---|---|---|\n{provenance}\nProblems and solutions are the sources' and keep their \
         licences. Flawed traces by maker: {}. Test sets that are known by name are not used, unless a build was told \
         to.\n\n## Counts\n\n```text\n{survey}```\n\n## Known limits\n\n- Flawed traces made by rule hold one flaw each; \
         models make several, and subtler ones.\n- Rubric labels made by construction follow a table, not a reader; \
         equal flaws have equal labels.\n- For programs the rules work on outlines told from the solution's structure; \
         whether a flaw breaks the program is not executed, so `flaw_sort` is null there.\n- Solutions with an equation \
         that does not hold exactly (roundings among them) are left out, which favours tidy numbers.\n",
        survey.groups,
        made.join(", ")
    )
}
