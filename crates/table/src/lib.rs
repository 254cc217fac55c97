//! Columns of Parquet files, written level by level: rollouts of a training, samples of an evaluation, a server's ledger.
//!
//! A cell that is `None` is null, which is how what is unknown stands in a file.

use parquet::{
    basic::{ConvertedType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DataType},
    errors::ParquetError,
    file::writer::SerializedRowGroupWriter,
    schema::types::{Type, TypePtr},
};
use std::{io::Write, sync::Arc};

/// A column of texts in lists, each of which may be null; a list itself is always there. It has the three levels that the format's
/// documents ask of every list.
///
/// # Errors
/// When the name makes no column.
pub fn list_of_texts(name: &str) -> Result<TypePtr, ParquetError> {
    let element = Type::primitive_type_builder("element", Physical::BYTE_ARRAY)
        .with_repetition(Repetition::OPTIONAL)
        .with_converted_type(ConvertedType::UTF8)
        .build()?;
    let list = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
    let list = Arc::new(list.with_fields(vec![Arc::new(element)]).build()?);
    let whole = Type::group_type_builder(name).with_repetition(Repetition::REQUIRED);
    whole.with_converted_type(ConvertedType::LIST).with_fields(vec![list]).build().map(Arc::new)
}

/// Writes the next column of a row group; its definition levels (1 where there is a value) are ignored where it is required.
///
/// # Errors
/// When the schema has fewer columns, or the file cannot be written.
pub fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    cells: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let cells: Vec<Option<T::T>> = cells.collect();
    let defined: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<T::T> = cells.into_iter().flatten().collect();
    write_levels::<T>(group, &values, &defined, None)
}

/// Writes the next column, one of [`list_of_texts`]: definition levels are 0 for an empty list, 1 for an element that is null, 2 for a
/// text; repetition levels are 1 within a list.
///
/// # Errors
/// As [`write`].
pub fn write_lists(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    lists: impl Iterator<Item = Vec<Option<ByteArray>>>,
) -> Result<(), ParquetError> {
    let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    for list in lists {
        if list.is_empty() {
            defined.push(0);
            repeated.push(0);
        }
        for (at, text) in list.into_iter().enumerate() {
            defined.push(1 + i16::from(text.is_some()));
            repeated.push(i16::from(at > 0));
            values.extend(text);
        }
    }
    write_levels::<ByteArrayType>(group, &values, &defined, Some(&repeated))
}

fn write_levels<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: &[T::T],
    defined: &[i16],
    repeated: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("the schema has fewer columns than a row".into()))?;
    column.typed::<T>().write_batch(values, Some(defined), repeated)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::{
        data_type::Int64Type,
        file::{
            properties::WriterProperties,
            reader::{FileReader, SerializedFileReader},
            writer::SerializedFileWriter,
        },
        record::RowAccessor,
    };

    #[test]
    fn what_is_unknown_is_null_and_lists_keep_their_places() {
        let count = Type::primitive_type_builder("count", Physical::INT64)
            .with_repetition(Repetition::OPTIONAL)
            .build()
            .unwrap();
        let fields = vec![Arc::new(count), list_of_texts("texts").unwrap()];
        let schema = Arc::new(Type::group_type_builder("t").with_fields(fields).build().unwrap());
        let mut file = tempfile::tempfile().unwrap();
        let mut writer =
            SerializedFileWriter::new(&mut file, schema, Arc::new(WriterProperties::default())).unwrap();
        let mut group = writer.next_row_group().unwrap();
        write::<Int64Type>(&mut group, [Some(7), None, Some(-1)].into_iter()).unwrap();
        let text = |text: &str| Some(ByteArray::from(text));
        write_lists(&mut group, [vec![], vec![text("a"), None], vec![text("")]].into_iter()).unwrap();
        let beyond = write::<Int64Type>(&mut group, std::iter::empty()).unwrap_err();
        assert!(beyond.to_string().contains("fewer columns"), "{beyond}");
        group.close().unwrap();
        writer.close().unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        let counts: Vec<Option<i64>> = rows.iter().map(|row| row.get_long(0).ok()).collect();
        assert_eq!(counts, [Some(7), None, Some(-1)]);
        let lists: Vec<String> =
            rows.iter().map(|row| format!("{:?}", row.get_list(1).unwrap().elements())).collect();
        assert_eq!(lists, ["[]", "[Str(\"a\"), Null]", "[Str(\"\")]"]);
    }
}
