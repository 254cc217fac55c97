//! The columns of a rollout file, and how they are written.

use super::RolloutRecord;
use parquet::{
    basic::{Compression, ConvertedType, Repetition, Type as Physical, ZstdLevel},
    data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::{Type, TypePtr},
};
use std::sync::Arc;
use tracelift_table::{list_of_texts, write, write_lists};

type R = RolloutRecord;

/// How a column is got from a record. Schema and writing follow from this alone.
enum Column {
    Count(fn(&R) -> u64),
    Flag(fn(&R) -> bool),
    Text(fn(&R) -> &str),
    MaybeNumber(fn(&R) -> Option<f64>),
    MaybeFlag(fn(&R) -> Option<bool>),
    MaybeText(fn(&R) -> Option<&str>),
    Texts(fn(&R) -> Vec<Option<&str>>),
}

use Column::{Count, Flag, MaybeFlag, MaybeNumber, MaybeText, Text, Texts};

fn each(texts: &[Option<String>]) -> Vec<Option<&str>> {
    texts.iter().map(Option::as_deref).collect()
}

const COLUMNS: [(&str, Column); 41] = [
    ("step", Count(|r| r.step)),
    ("problem_id", Text(|r| &r.problem_id)),
    ("source", Text(|r| &r.source)),
    ("domain", Text(|r| &r.domain)),
    ("question", Text(|r| &r.question)),
    ("gold", Text(|r| &r.gold)),
    ("group_index", Count(|r| r.group_index)),
    ("sample_index", Count(|r| r.sample_index)),
    ("replaced", Flag(|r| r.replaced)),
    ("planner_prompt_sha256", Text(|r| &r.planner_prompt)),
    ("executor_prompt_sha256", MaybeText(|r| r.executor_prompt.as_deref())),
    ("completion", Text(|r| &r.completion)),
    ("trace", MaybeText(|r| r.trace.as_deref())),
    ("trace_tokens", Count(|r| r.trace_tokens)),
    ("truncated", Flag(|r| r.truncated)),
    ("defect", MaybeText(|r| r.defect.as_deref())),
    ("executor_completions", Texts(|r| each(&r.executor_completions))),
    ("artifacts", Texts(|r| each(&r.artifacts))),
    ("verdicts", Texts(|r| each(&r.verdicts))),
    ("e", MaybeNumber(|r| r.e)),
    ("w", MaybeNumber(|r| r.w)),
    ("b", MaybeNumber(|r| r.b)),
    ("u", MaybeNumber(|r| r.u)),
    ("s", MaybeNumber(|r| r.s)),
    ("rubric_total", MaybeNumber(|r| Some(r.rubric?.score.total))),
    ("rubric_problem_understanding", MaybeNumber(|r| r.label("problem_understanding"))),
    ("rubric_solution_strategy", MaybeNumber(|r| r.label("solution_strategy"))),
    ("rubric_step_coherence", MaybeNumber(|r| r.label("step_coherence"))),
    ("rubric_calculation_correctness", MaybeNumber(|r| r.label("calculation_correctness"))),
    ("rubric_answer_support", MaybeNumber(|r| r.label("answer_support"))),
    ("rubric_task_understanding", MaybeNumber(|r| r.label("task_understanding"))),
    ("rubric_plan_quality", MaybeNumber(|r| r.label("plan_quality"))),
    ("rubric_action_support", MaybeNumber(|r| r.label("action_support"))),
    ("rubric_non_leakage", MaybeNumber(|r| r.label("non_leakage"))),
    ("reward", MaybeNumber(|r| r.reward)),
    ("reward_format", MaybeNumber(|r| r.format)),
    ("reward_overlong", MaybeNumber(|r| r.overlong)),
    ("advantage", MaybeNumber(|r| r.advantage)),
    ("unknown_because", Texts(|r| r.unknown_because.iter().map(|cause| Some(cause.as_str())).collect())),
    ("leaked", MaybeFlag(|r| r.leaked)),
    ("verified", MaybeFlag(|r| r.verified)),
];

/// A column as documents describe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnDescription {
    /// Its name.
    pub name: &'static str,
    /// `int64`, `double`, `bool`, `string` or `list<string>`.
    pub kind: &'static str,
    /// Whether it may be null.
    pub nullable: bool,
}

/// The columns in their order.
pub fn columns() -> impl Iterator<Item = ColumnDescription> {
    COLUMNS.iter().map(|(name, column)| ColumnDescription {
        name,
        kind: match column {
            Count(_) => "int64",
            Flag(_) | MaybeFlag(_) => "bool",
            MaybeNumber(_) => "double",
            Text(_) | MaybeText(_) => "string",
            Texts(_) => "list<string>",
        },
        nullable: matches!(column, MaybeNumber(_) | MaybeFlag(_) | MaybeText(_)),
    })
}

fn schema() -> Result<Type, ParquetError> {
    let fields = COLUMNS.iter().map(|(name, column)| field(name, column)).collect::<Result<_, _>>()?;
    Type::group_type_builder("rollouts").with_fields(fields).build()
}

fn field(name: &str, column: &Column) -> Result<TypePtr, ParquetError> {
    let value = |name, physical, converted, repetition| {
        let value = Type::primitive_type_builder(name, physical);
        value.with_repetition(repetition).with_converted_type(converted).build().map(Arc::new)
    };
    let (plain, text) = (ConvertedType::NONE, ConvertedType::UTF8);
    match column {
        Count(_) => value(name, Physical::INT64, plain, Repetition::REQUIRED),
        Flag(_) => value(name, Physical::BOOLEAN, plain, Repetition::REQUIRED),
        Text(_) => value(name, Physical::BYTE_ARRAY, text, Repetition::REQUIRED),
        MaybeNumber(_) => value(name, Physical::DOUBLE, plain, Repetition::OPTIONAL),
        MaybeFlag(_) => value(name, Physical::BOOLEAN, plain, Repetition::OPTIONAL),
        MaybeText(_) => value(name, Physical::BYTE_ARRAY, text, Repetition::OPTIONAL),
        Texts(_) => list_of_texts(name),
    }
}

/// More than the texts of a step: what a problem's rollouts have in common, question, gold and prompt, is written once.
const DICTIONARY: usize = 1 << 30;

pub(super) fn encode(records: &[R]) -> Result<Vec<u8>, ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_page_size_limit(DICTIONARY)
        .set_created_by("tracelift".to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema()?), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for (_, column) in &COLUMNS {
        match column {
            Count(of) => write::<Int64Type>(&mut group, records.iter().map(|r| Some(of(r) as i64)))?,
            Flag(of) => write::<BoolType>(&mut group, records.iter().map(|r| Some(of(r))))?,
            Text(of) => write::<ByteArrayType>(&mut group, records.iter().map(|r| Some(of(r).into())))?,
            // A number that is not finite is not a measurement.
            MaybeNumber(of) => {
                let numbers = records.iter().map(|r| of(r).filter(|number| number.is_finite()));
                write::<DoubleType>(&mut group, numbers)?;
            }
            MaybeFlag(of) => write::<BoolType>(&mut group, records.iter().map(of))?,
            MaybeText(of) => {
                write::<ByteArrayType>(&mut group, records.iter().map(|r| of(r).map(ByteArray::from)))?;
            }
            Texts(of) => {
                let texts = |r| of(r).into_iter().map(|text| text.map(ByteArray::from)).collect();
                write_lists(&mut group, records.iter().map(texts))?;
            }
        }
    }
    group.close()?;
    writer.into_inner()
}

#[cfg(test)]
mod tests;
