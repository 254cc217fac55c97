//! Files of the house as tables: rollouts and groups, handed over by Arrow's C interface without a copy.

use arrow_array::{
    ArrayRef, Float64Array, RecordBatch, RecordBatchIterator, RecordBatchReader, StringArray,
    ffi_stream::FFI_ArrowArrayStream,
};
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pyo3::{
    exceptions::{PyOSError, PyValueError},
    prelude::*,
    types::PyCapsule,
};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};
use tracelift_domain::Group;
use tracelift_groups::GroupReader;

/// A table. Whatever reads Arrow's C streams takes it: `pyarrow.table(t)`, `polars.DataFrame(t)`,
/// `pandas.DataFrame.from_arrow(t)`.
#[pyclass(frozen, module = "tracelift_rl")]
pub struct Table {
    schema: SchemaRef,
    rows: usize,
    source: Source,
}

enum Source {
    /// Parquet files, read whenever the table is.
    Files(Vec<PathBuf>),
    /// Rows in memory.
    Batch(RecordBatch),
}

#[pymethods]
impl Table {
    /// The names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// How many rows there are.
    #[getter]
    fn num_rows(&self) -> usize {
        self.rows
    }

    fn __len__(&self) -> usize {
        self.rows
    }

    fn __repr__(&self) -> String {
        format!("Table({} rows, {} columns)", self.rows, self.schema.fields().len())
    }

    /// The table as a stream of Arrow's C interface. The order and types of its columns are its own, whatever is requested: the
    /// interface allows that.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let reader: Box<dyn RecordBatchReader + Send> = match &self.source {
            Source::Batch(batch) => {
                let batches = vec![Ok(batch.clone())];
                Box::new(RecordBatchIterator::new(batches, Arc::clone(&self.schema)))
            }
            Source::Files(paths) => {
                let batches = paths.clone().into_iter().flat_map(batches);
                Box::new(RecordBatchIterator::new(batches, Arc::clone(&self.schema)))
            }
        };
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), c"arrow_array_stream")
    }
}

/// The record batches of a file; where it cannot be read, that.
fn batches(path: PathBuf) -> Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send> {
    let opened = File::open(&path)
        .map_err(|error| ArrowError::IoError(format!("{}: {error}", path.display()), error))
        .and_then(|file| Ok(ParquetRecordBatchReaderBuilder::try_new(file)?.build()?));
    match opened {
        Ok(reader) => Box::new(reader),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

/// The rollouts of a run: its folder, the folder `rollouts` in it, or one Parquet file.
///
/// Raises `OSError` where there are none or one cannot be read, `ValueError` where files have other columns than the first.
#[pyfunction]
pub fn read_rollouts(py: Python<'_>, path: PathBuf) -> PyResult<Table> {
    py.detach(|| {
        let files = parquet_files(&path)?;
        let mut schema: Option<SchemaRef> = None;
        let mut rows = 0;
        for file in &files {
            let shown = file.display();
            let cannot = |error: String| PyOSError::new_err(format!("{shown}: {error}"));
            let open = File::open(file).map_err(|error| cannot(error.to_string()))?;
            let builder =
                ParquetRecordBatchReaderBuilder::try_new(open).map_err(|error| cannot(error.to_string()))?;
            rows += usize::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
            match &schema {
                None => schema = Some(Arc::clone(builder.schema())),
                Some(first) if first.fields() == builder.schema().fields() => {}
                Some(_) => {
                    return Err(PyValueError::new_err(format!(
                        "{shown} has other columns than the files before it; read them apart"
                    )));
                }
            }
        }
        let schema = schema.ok_or_else(|| {
            PyOSError::new_err(format!("{}: no rollouts (step_*.parquet) are there", path.display()))
        })?;
        Ok(Table { schema, rows, source: Source::Files(files) })
    })
}

/// The files of rollouts that a path stands for, in the order of their steps.
fn parquet_files(path: &Path) -> PyResult<Vec<PathBuf>> {
    let cannot = |error: std::io::Error| PyOSError::new_err(format!("{}: {error}", path.display()));
    if fs::metadata(path).map_err(cannot)?.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let inner = path.join("rollouts");
    let folder = if inner.is_dir() { inner } else { path.to_owned() };
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).map_err(cannot)? {
        let file = entry.map_err(cannot)?.path();
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // Whatever is being written has a name that begins with a dot.
        if name.ends_with(".parquet") && !name.starts_with('.') {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The traces of a file of groups, a row each: the reference traces of a group, then the flawed ones, whose `negative_kind` is their
/// kind. Labels of dimensions stand in columns of their names.
///
/// Raises `OSError` where it cannot be read, `ValueError` with file and line where a line is no valid group.
#[pyfunction]
pub fn read_groups(py: Python<'_>, path: PathBuf) -> PyResult<Table> {
    let groups = py.detach(|| {
        let reader = GroupReader::open(&path).map_err(|error| PyOSError::new_err(error.to_string()))?;
        reader
            .map(|group| group.map_err(|error| PyValueError::new_err(error.to_string())))
            .collect::<PyResult<Vec<Group>>>()
    })?;
    py.detach(|| traces(&groups)).map_err(|error| PyValueError::new_err(error.to_string()))
}

fn traces(groups: &[Group]) -> Result<Table, ArrowError> {
    let rows: Vec<_> = groups
        .iter()
        .flat_map(|group| {
            let references =
                group.positive_pool.iter().map(move |one| (group, None, &one.reasoning, &one.rubric));
            let flawed = group
                .negative_bank
                .iter()
                .map(move |one| (group, Some(one.negative_kind.as_str()), &one.reasoning, &one.rubric));
            references.chain(flawed)
        })
        .collect();
    let labels: BTreeSet<&String> = rows.iter().flat_map(|(.., rubric)| rubric.keys()).collect();
    let text = |of: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
        Arc::new((0..rows.len()).map(of).collect::<StringArray>())
    };
    let group = |of: &dyn Fn(&Group) -> String| text(&|row| Some(of(rows[row].0)));
    let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("problem_id", group(&|group| group.problem_id.clone()), false),
        ("family", group(&|group| group.family().to_owned()), false),
        ("source", group(&|group| group.source.clone()), false),
        ("task_type", group(&|group| group.task_type.name().to_owned()), false),
        ("problem", group(&|group| group.problem.clone()), false),
        ("reference_solution", group(&|group| group.reference_solution.clone()), false),
        ("negative_kind", text(&|row| rows[row].1.map(str::to_owned)), true),
        ("reasoning", text(&|row| Some(rows[row].2.clone())), false),
    ];
    for label in labels {
        let column: Float64Array = rows.iter().map(|(.., rubric)| rubric.get(label).copied()).collect();
        columns.push((label, Arc::new(column), true));
    }
    let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
    Ok(Table { schema: batch.schema(), rows: batch.num_rows(), source: Source::Batch(batch) })
}
