//! Parquet: rows in batches, so that memory does not grow with the file.

use super::{Asked, ExportError, card, draft, problem};
use crate::{GroupReader, survey::Surveyor};
use parquet::{
    basic::Compression,
    column::writer::ColumnWriter,
    data_type::{ByteArray, ByteArrayType},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use serde_json::json;
use std::{path::Path, sync::Arc};
use tracelift_domain::{Group, Message, Problem};
use tracelift_files::{Draft, make_folder};

/// Rows of a batch.
const BATCH: usize = 512;
/// Rows of a shard.
const SHARD: u64 = 100_000;

/// A Parquet file of required and repeated texts. Each column is flat, or the leaf of a list of messages.
struct Table {
    writer: SerializedFileWriter<Draft>,
    columns: usize,
    batch: Vec<Vec<Vec<ByteArray>>>,
}

impl Table {
    fn create(draft: Draft, schema: &str) -> Result<Table, ParquetError> {
        let schema = Arc::new(parse_message_type(schema)?);
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(Default::default()));
        let writer = SerializedFileWriter::new(draft, schema, Arc::new(properties.build()))?;
        let columns = writer.schema_descr().num_columns();
        Ok(Table { writer, columns, batch: Vec::new() })
    }

    /// Adds a row: for each leaf its values, one where the leaf is not repeated.
    fn add(&mut self, row: Vec<Vec<ByteArray>>) -> Result<(), ParquetError> {
        self.batch.push(row);
        if self.batch.len() == BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for index in 0..self.columns {
            let Some(mut column) = group.next_column()? else { break };
            let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
            for row in &self.batch {
                let cells = &row[index];
                if cells.is_empty() {
                    definitions.push(0);
                    repetitions.push(0);
                }
                for (at, cell) in cells.iter().enumerate() {
                    values.push(cell.clone());
                    definitions.push(1);
                    repetitions.push(i16::from(at > 0));
                }
            }
            if let ColumnWriter::ByteArrayColumnWriter(_) = column.untyped() {
                column.typed::<ByteArrayType>().write_batch(
                    &values,
                    Some(&definitions),
                    Some(&repetitions),
                )?;
            }
            column.close()?;
        }
        group.close()?;
        self.batch.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<Draft, ParquetError> {
        self.flush()?;
        self.writer.into_inner()
    }
}

fn one(text: &str) -> Vec<ByteArray> {
    vec![ByteArray::from(text)]
}

const VERL: &str = "message verl {
    required binary data_source (UTF8);
    required group prompt (LIST) { repeated group list { required group element {
        required binary role (UTF8); required binary content (UTF8); } } }
    required binary ability (UTF8);
    required group reward_model { required binary style (UTF8); required binary ground_truth (UTF8); }
    required group extra_info {
        required binary split (UTF8); required binary index (UTF8); required binary problem_id (UTF8);
        required binary statement (UTF8); required binary domain (UTF8); required binary gold (UTF8); }
}";

/// verl's rows: a planner's prompt a problem.
pub(super) fn verl(file: &Path, out: &Path, asked: &Asked) -> Result<u64, ExportError> {
    let refused = |source| ExportError::Parquet { path: out.to_owned(), source };
    let mut table = Table::create(draft(out)?, VERL).map_err(refused)?;
    let mut rows = 0_u64;
    for group in GroupReader::open(file)? {
        let group = group?;
        let Problem { id, question, gold } = problem(file, &group)?;
        let messages = asked.messages(&group)?;
        let each = |of: &dyn Fn(&Message) -> ByteArray| messages.iter().map(of).collect();
        let row = vec![
            one(&question.source),
            each(&|message| ByteArray::from(message.role.name())),
            each(&|message| ByteArray::from(message.content.as_str())),
            one(question.domain.name()),
            one("rule"),
            one(&gold.text()),
            one("train"),
            one(&rows.to_string()),
            one(&id),
            one(&question.statement),
            one(question.domain.name()),
            one(&json!(gold).to_string()),
        ];
        table.add(row).map_err(refused)?;
        rows += 1;
    }
    table.finish().map_err(refused)?.finish()?;
    Ok(rows)
}

const HF: &str = "message groups {
    required binary problem_id (UTF8);
    required binary source (UTF8);
    required binary task_type (UTF8);
    required binary problem (UTF8);
    required binary reference_solution (UTF8);
    required binary positive_pool (UTF8);
    required binary negative_bank (UTF8);
    required binary metadata (UTF8);
}";

/// Shards and a card. Nested fields are JSON texts, as `datasets` reads them without a schema for every dimension. The groups
/// are read twice: the names of shards say how many there are.
pub(super) fn hf(file: &Path, out: &Path) -> Result<u64, ExportError> {
    let mut surveyor = Surveyor::default();
    let mut licences = std::collections::BTreeMap::new();
    let mut rows = 0_u64;
    for group in GroupReader::open(file)? {
        let group = group?;
        surveyor.see(&group);
        if let Some(licence) = group.metadata.get("licence").and_then(|licence| licence.as_str()) {
            licences.insert(group.source.clone(), licence.to_owned());
        }
        rows += 1;
    }
    let shards = rows.div_ceil(SHARD);
    let mut groups = GroupReader::open(file)?;
    for shard in 0..shards {
        let path = out.join(format!("data/train-{shard:05}-of-{shards:05}.parquet"));
        let refused = |source| ExportError::Parquet { path: path.clone(), source };
        let mut table = Table::create(draft(&path)?, HF).map_err(refused)?;
        for group in groups.by_ref().take(SHARD as usize) {
            table.add(row(&group?)).map_err(refused)?;
        }
        table.finish().map_err(refused)?.finish()?;
    }
    make_folder(out)?;
    tracelift_files::write(out.join("README.md"), card(&surveyor.finish(), &licences))?;
    Ok(rows)
}

fn row(group: &Group) -> Vec<Vec<ByteArray>> {
    let json = |value: serde_json::Value| one(&value.to_string());
    vec![
        one(&group.problem_id),
        one(&group.source),
        one(group.task_type.name()),
        one(&group.problem),
        one(&group.reference_solution),
        json(json!(group.positive_pool)),
        json(json!(group.negative_bank)),
        json(json!(group.metadata)),
    ]
}
