//! Columns of a Parquet file by name: only those that are asked for are read, and only the rows that are, without the row groups
//! before and behind them.

use crate::ArchiveError;
use parquet::{
    column::reader::get_typed_column_reader,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
};
use std::{
    fs::File,
    ops::Range,
    path::{Path, PathBuf},
};

/// Records that are read at a time.
const BATCH: usize = 4096;

/// A file.
pub(crate) struct Columns {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    leaves: Vec<Leaf>,
}

/// A column, a list's elements being one.
struct Leaf {
    name: String,
    /// Definition level of a value that is there.
    defined: i16,
    repeated: bool,
}

/// Values with their levels.
struct Levels<V> {
    values: Vec<V>,
    defined: Vec<i16>,
    repeated: Vec<i16>,
}

impl Columns {
    pub fn open(path: &Path) -> Result<Columns, ArchiveError> {
        let file = File::open(path).map_err(ArchiveError::read(path))?;
        let reader = SerializedFileReader::new(file).map_err(|error| ArchiveError::damaged(path, error))?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let leaf = |at: usize| {
            let column = schema.column(at);
            Leaf {
                name: column.path().parts().first().cloned().unwrap_or_default(),
                defined: column.max_def_level(),
                repeated: column.max_rep_level() > 0,
            }
        };
        let leaves = (0..schema.num_columns()).map(leaf).collect();
        Ok(Columns { path: path.to_owned(), reader, leaves })
    }

    /// How the table is called.
    pub fn title(&self) -> &str {
        self.reader.metadata().file_metadata().schema().name()
    }

    pub fn rows(&self) -> usize {
        usize::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.leaves.iter().map(|leaf| leaf.name.as_str())
    }

    fn failed(&self, name: &str, error: &ParquetError) -> ArchiveError {
        ArchiveError::damaged(&self.path, format!("column `{name}`: {error}"))
    }

    /// Whole numbers; all are unknown where there is no such column.
    pub fn counts(&self, name: &str, rows: &Range<usize>) -> Result<Vec<Option<i64>>, ArchiveError> {
        self.flat::<Int64Type, _>(name, rows, |value| *value)
    }

    /// Numbers.
    pub fn numbers(&self, name: &str, rows: &Range<usize>) -> Result<Vec<Option<f64>>, ArchiveError> {
        self.flat::<DoubleType, _>(name, rows, |value| *value)
    }

    /// Flags.
    pub fn flags(&self, name: &str, rows: &Range<usize>) -> Result<Vec<Option<bool>>, ArchiveError> {
        self.flat::<BoolType, _>(name, rows, |value| *value)
    }

    /// Texts.
    pub fn texts(&self, name: &str, rows: &Range<usize>) -> Result<Vec<Option<String>>, ArchiveError> {
        self.flat::<ByteArrayType, _>(name, rows, text)
    }

    /// Which rows hold a text, without the texts.
    pub fn present(&self, name: &str, rows: &Range<usize>) -> Result<Vec<bool>, ArchiveError> {
        Ok(self
            .flat::<ByteArrayType, _>(name, rows, |_| ())?
            .into_iter()
            .map(|found| found.is_some())
            .collect())
    }

    /// Lists of texts.
    pub fn lists(&self, name: &str, rows: &Range<usize>) -> Result<Vec<Vec<Option<String>>>, ArchiveError> {
        let Some(at) = self.find(name) else { return Ok(vec![Vec::new(); rows.len()]) };
        let Levels { values, defined, repeated } = self.read::<ByteArrayType>(at, rows)?;
        let full = self.leaves[at].defined;
        let mut lists: Vec<Vec<Option<String>>> = Vec::with_capacity(rows.len());
        let mut values = values.iter();
        for (at, level) in defined.iter().enumerate() {
            if repeated.get(at).is_none_or(|repeated| *repeated == 0) {
                lists.push(Vec::new());
            }
            let Some(list) = lists.last_mut() else { continue };
            if *level == full {
                list.push(values.next().map(text));
            } else if *level + 1 == full {
                list.push(None);
            }
        }
        lists.resize(rows.len(), Vec::new());
        Ok(lists)
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.leaves.iter().position(|leaf| leaf.name == name)
    }

    fn flat<T: DataType, V: Clone>(
        &self,
        name: &str,
        rows: &Range<usize>,
        of: impl Fn(&T::T) -> V,
    ) -> Result<Vec<Option<V>>, ArchiveError> {
        let Some(at) = self.find(name) else { return Ok(vec![None; rows.len()]) };
        let Levels { values, defined, .. } = self.read::<T>(at, rows)?;
        let full = self.leaves[at].defined;
        if full == 0 {
            return Ok(values.iter().map(|value| Some(of(value))).collect());
        }
        let mut values = values.iter();
        Ok(defined.iter().map(|level| if *level == full { values.next().map(&of) } else { None }).collect())
    }

    fn read<T: DataType>(&self, at: usize, rows: &Range<usize>) -> Result<Levels<T::T>, ArchiveError> {
        let Leaf { name, repeated, .. } = &self.leaves[at];
        let physical = self.reader.metadata().file_metadata().schema_descr().column(at).physical_type();
        if physical != T::get_physical_type() {
            return Err(ArchiveError::damaged(&self.path, format!("column `{name}` is of another type")));
        }
        let mut levels = Levels { values: Vec::new(), defined: Vec::new(), repeated: Vec::new() };
        let mut begin = 0;
        for group in 0..self.reader.num_row_groups() {
            let count = usize::try_from(self.reader.metadata().row_group(group).num_rows()).unwrap_or(0);
            let (from, to) = (rows.start.max(begin), rows.end.min(begin + count));
            if from < to {
                let (skipped, wanted) = (from - begin, to - from);
                self.read_group::<T>(group, at, *repeated, skipped, wanted, &mut levels)
                    .map_err(|error| self.failed(name, &error))?;
            }
            begin += count;
        }
        Ok(levels)
    }

    fn read_group<T: DataType>(
        &self,
        group: usize,
        at: usize,
        repeated: bool,
        skipped: usize,
        mut wanted: usize,
        into: &mut Levels<T::T>,
    ) -> Result<(), ParquetError> {
        let group = self.reader.get_row_group(group)?;
        let mut column = get_typed_column_reader::<T>(group.get_column_reader(at)?);
        if skipped > 0 {
            column.skip_records(skipped)?;
        }
        while wanted > 0 {
            let repetitions = repeated.then_some(&mut into.repeated);
            let batch = wanted.min(BATCH);
            let (read, ..) =
                column.read_records(batch, Some(&mut into.defined), repetitions, &mut into.values)?;
            if read == 0 {
                break;
            }
            wanted -= read;
        }
        Ok(())
    }
}

fn text(bytes: &ByteArray) -> String {
    String::from_utf8_lossy(bytes.data()).into_owned()
}
