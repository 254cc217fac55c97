//! Safetensors files: tensors of `f32`, `bf16` or `f16` in, and out.
//!
//! A file is read tensor by tensor, so that a model needs no more memory than its own while it is loaded.

use super::files::io_error;
use super::{CheckpointError, ExtraTensors};
use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, SafeTensorError, TensorInfo, View};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tracelift_files::Draft;

/// Bytes that are converted at a time.
const PIECE: usize = 1 << 20;
/// The longest header; the format's own bound.
const LONGEST_HEADER: u64 = 100_000_000;

/// What the length of a header is a multiple of.
const ALIGNMENT: usize = 8;

/// The type in which weights are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits: exact.
    F32,
    /// 16 bits with the range of `f32`, rounded to nearest.
    Bf16,
    /// 16 bits with a smaller range (up to 65,504) and more digits, rounded to nearest.
    F16,
}

impl Precision {
    /// As `config.json` names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "float32",
            Precision::Bf16 => "bfloat16",
            Precision::F16 => "float16",
        }
    }

    /// Bytes of an element.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::Bf16 | Precision::F16 => 2,
        }
    }

    /// A value as it is after being written and read.
    #[must_use]
    pub fn round(self, value: f32) -> f32 {
        match self {
            Precision::F32 => value,
            Precision::Bf16 => bf16::from_f32(value).to_f32(),
            Precision::F16 => f16::from_f32(value).to_f32(),
        }
    }

    fn dtype(self) -> Dtype {
        match self {
            Precision::F32 => Dtype::F32,
            Precision::Bf16 => Dtype::BF16,
            Precision::F16 => Dtype::F16,
        }
    }
}

impl std::str::FromStr for Precision {
    type Err = String;

    fn from_str(name: &str) -> Result<Precision, String> {
        match name {
            "f32" | "float32" => Ok(Precision::F32),
            "bf16" | "bfloat16" => Ok(Precision::Bf16),
            "f16" | "float16" => Ok(Precision::F16),
            _ => Err(format!("`{name}` is no type of weights here; expected f32, bf16 or f16")),
        }
    }
}

/// A safetensors file, open.
pub(crate) struct TensorFile {
    path: PathBuf,
    file: File,
    metadata: Metadata,
    /// Where the data begin.
    start: u64,
}

impl TensorFile {
    pub fn open(path: &Path) -> Result<TensorFile, CheckpointError> {
        let format = |source| CheckpointError::Format { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(io_error(path))?;
        let length = file.metadata().map_err(io_error(path))?.len();
        let mut size = [0; 8];
        file.read_exact(&mut size).map_err(|_| format(SafeTensorError::HeaderTooSmall))?;
        let size = u64::from_le_bytes(size);
        if size > LONGEST_HEADER {
            return Err(format(SafeTensorError::HeaderTooLarge));
        }
        let start = size + 8;
        if start > length {
            return Err(format(SafeTensorError::InvalidHeaderLength));
        }
        let mut header = vec![0; size as usize];
        file.read_exact(&mut header).map_err(io_error(path))?;
        // Reading the header also checks that tensors lie one after another and are as long as their shapes say.
        let metadata: Metadata = serde_json::from_slice(&header)
            .map_err(|error| format(SafeTensorError::InvalidHeaderDeserialization(error)))?;
        let end = metadata.tensors().values().map(|info| info.data_offsets.1).max().unwrap_or(0);
        if start + end as u64 != length {
            return Err(format(SafeTensorError::MetadataIncompleteBuffer));
        }
        Ok(TensorFile { path: path.to_owned(), file, metadata, start })
    }

    /// The tensors, in the order of the file.
    pub fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// The type and the elements of each tensor.
    pub fn types(&self) -> Vec<(Dtype, usize)> {
        self.metadata.tensors().values().map(|info| (info.dtype, info.shape.iter().product())).collect()
    }

    fn info(&self, name: &str) -> Result<&TensorInfo, CheckpointError> {
        let missing = || CheckpointError::Missing { path: self.path.clone(), name: name.to_owned() };
        self.metadata.info(name).ok_or_else(missing)
    }

    /// A tensor with its shape.
    pub fn read(&mut self, name: &str) -> Result<(Vec<usize>, Vec<f32>), CheckpointError> {
        let info = self.info(name)?;
        let shape = info.shape.clone();
        let mut values = vec![0.0; shape.iter().product()];
        self.read_into(name, &shape, &mut values)?;
        Ok((shape, values))
    }

    /// Reads a tensor that must have `shape`.
    pub fn read_into(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &mut [f32],
    ) -> Result<(), CheckpointError> {
        let (path, info) = (self.path.clone(), self.info(name)?);
        let (dtype, begin) = (info.dtype, self.start + info.data_offsets.0 as u64);
        let name = name.to_owned();
        if info.shape != shape {
            return Err(CheckpointError::Shape {
                path,
                name,
                found: info.shape.clone(),
                expected: shape.to_vec(),
            });
        }
        let width = match dtype {
            Dtype::F32 => 4,
            Dtype::BF16 | Dtype::F16 => 2,
            dtype => return Err(CheckpointError::Dtype { path, name, dtype }),
        };
        self.file.seek(SeekFrom::Start(begin)).map_err(io_error(&path))?;
        let mut bytes = vec![0; PIECE.min(values.len() * width)];
        for (piece, values) in values.chunks_mut(PIECE / width).enumerate() {
            let bytes = &mut bytes[..values.len() * width];
            self.file.read_exact(bytes).map_err(io_error(&path))?;
            widen(dtype, bytes, values);
            if let Some(place) = first_not_finite(values) {
                let (position, value) = (piece * (PIECE / width) + place, values[place]);
                return Err(CheckpointError::NotFinite { path, name, position, value });
            }
        }
        Ok(())
    }
}

/// Where the first NaN or infinity is.
fn first_not_finite(values: &[f32]) -> Option<usize> {
    // The exponent's bits are all set in NaN and infinities alone. A sum of comparisons without a branch is what compilers make
    // vectors of.
    const EXPONENT: u32 = 0x7f80_0000;
    let bad = |value: &f32| value.to_bits() & EXPONENT == EXPONENT;
    if values.iter().map(|value| u32::from(bad(value))).sum::<u32>() == 0 {
        return None;
    }
    values.iter().position(bad)
}

/// Any type but the three that `read_into` lets through leaves `values` as they are.
fn widen(dtype: Dtype, bytes: &[u8], values: &mut [f32]) {
    match dtype {
        Dtype::F32 => {
            for (v, b) in values.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *v = f32::from_le_bytes(*b);
            }
        }
        Dtype::BF16 => {
            for (v, b) in values.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *v = bf16::from_le_bytes(*b).to_f32();
            }
        }
        _ => {
            for (v, b) in values.iter_mut().zip(bytes.as_chunks::<2>().0) {
                *v = f16::from_le_bytes(*b).to_f32();
            }
        }
    }
}

/// A tensor on its way to a file.
pub struct Outgoing<'a> {
    /// Its name there.
    pub name: String,
    /// Row-major.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Values<'a>,
    /// The type to write.
    pub precision: Precision,
}

/// The values of a tensor that is written.
pub enum Values<'a> {
    /// They are there.
    Lent(&'a [f32]),
    /// So many of them are made when it is their turn.
    Made(usize, Box<dyn Fn() -> Vec<f32> + 'a>),
}

impl<'a> From<&'a [f32]> for Values<'a> {
    fn from(values: &'a [f32]) -> Values<'a> {
        Values::Lent(values)
    }
}

impl Values<'_> {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        match self {
            Values::Lent(values) => values.len(),
            Values::Made(len, _) => *len,
        }
    }

    fn get(&self) -> Cow<'_, [f32]> {
        match self {
            Values::Lent(values) => Cow::Borrowed(values),
            Values::Made(_, make) => Cow::Owned(make()),
        }
    }
}

impl View for Outgoing<'_> {
    fn dtype(&self) -> Dtype {
        self.precision.dtype()
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        let values = self.values.get();
        Cow::Owned(match self.precision {
            Precision::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Precision::Bf16 => values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
            Precision::F16 => values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
        })
    }
    fn data_len(&self) -> usize {
        self.values.len() * self.precision.bytes()
    }
}

/// Writes a safetensors file.
///
/// Its data are made tensor by tensor, so that writing needs no more memory than the largest of them.
///
/// # Errors
/// When it cannot be written, or a finite value becomes infinite in the type asked for.
pub fn save_tensors(path: &Path, tensors: Vec<Outgoing<'_>>) -> Result<(), CheckpointError> {
    for tensor in &tensors {
        let overflows = |value: &&f32| value.is_finite() && !tensor.precision.round(**value).is_finite();
        if let Some(&value) = tensor.values.get().iter().find(overflows) {
            let (path, name, precision) = (path.to_owned(), tensor.name.clone(), tensor.precision.name());
            return Err(CheckpointError::Range { path, name, value, precision });
        }
    }
    let (header, tensors) =
        header(tensors).map_err(|source| CheckpointError::Format { path: path.to_owned(), source })?;
    let mut draft = Draft::begin(path)?;
    let written = (|| {
        draft.write_all(&(header.len() as u64).to_le_bytes())?;
        draft.write_all(&header)?;
        tensors.iter().try_for_each(|tensor| draft.write_all(&tensor.data()))
    })();
    written.map_err(|error| draft.failed(error))?;
    Ok(draft.finish()?)
}

/// The header of a file, and the tensors in the order in which the format wants their data: wide types first, so that every
/// tensor is aligned, and by name among those of a type. The library would write either to memory or to a path.
fn header(mut tensors: Vec<Outgoing<'_>>) -> Result<(Vec<u8>, Vec<Outgoing<'_>>), SafeTensorError> {
    tensors.sort_by(|one, other| other.dtype().cmp(&one.dtype()).then_with(|| one.name.cmp(&other.name)));
    let mut end = 0;
    let entry = |tensor: &Outgoing<'_>| {
        let begin = end;
        end += tensor.data_len();
        let info =
            TensorInfo { dtype: tensor.dtype(), shape: tensor.shape.clone(), data_offsets: (begin, end) };
        (tensor.name.clone(), info)
    };
    let entries = tensors.iter().map(entry).collect();
    let about = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let mut header = serde_json::to_vec(&Metadata::new(Some(about), entries)?)?;
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    if header.len() as u64 > LONGEST_HEADER {
        return Err(SafeTensorError::HeaderTooLarge);
    }
    Ok((header, tensors))
}

/// Reads every tensor of a safetensors file: name → (shape, values).
///
/// # Errors
/// When it cannot be read or is none.
pub fn load_tensors(path: &Path) -> Result<ExtraTensors, CheckpointError> {
    let mut file = TensorFile::open(path)?;
    let mut found = ExtraTensors::new();
    for name in file.names() {
        let tensor = file.read(&name)?;
        found.insert(name, tensor);
    }
    Ok(found)
}
