//! Weights as they are written: byte by byte what the library of the format writes, for everybody to read.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{borrow::Cow, collections::HashMap, fs, os::unix::fs::MetadataExt};

use safetensors::{Dtype, tensor::View};
use tracelift_engine::checkpoint::{Outgoing, Precision, save_tensors};

const VALUES: [f32; 6] = [1.0, -2.5, 0.0, 3.25e-3, 65_504.0, -0.125];

/// Names out of order, types of both widths, shapes of several ranks, among them an empty one.
fn tensors() -> Vec<Outgoing<'static>> {
    let of = |name: &str, shape: &[usize], precision| Outgoing {
        name: name.to_owned(),
        shape: shape.to_vec(),
        values: VALUES[..shape.iter().product()].into(),
        precision,
    };
    vec![
        of("b.weight", &[2, 3], Precision::Bf16),
        of("z", &[6], Precision::F32),
        of("a.bias", &[3], Precision::F16),
        of("a.weight", &[1, 2, 3], Precision::F32),
        of("none", &[0], Precision::Bf16),
    ]
}

struct Raw<'a>(&'a Outgoing<'a>);

impl View for Raw<'_> {
    fn dtype(&self) -> Dtype {
        self.0.dtype()
    }
    fn shape(&self) -> &[usize] {
        &self.0.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        self.0.data()
    }
    fn data_len(&self) -> usize {
        self.0.data_len()
    }
}

#[test]
fn a_file_is_byte_by_byte_what_the_library_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    save_tensors(&path, tensors()).unwrap();
    let all = tensors();
    let named = all.iter().map(|tensor| (tensor.name.clone(), Raw(tensor)));
    let about = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let expected = safetensors::serialize(named, Some(about)).unwrap();
    assert_eq!(fs::read(&path).unwrap(), expected);
}

#[test]
fn weights_are_readable_like_every_other_file() {
    let folder = tempfile::tempdir().unwrap();
    let (weights, other) = (folder.path().join("model.safetensors"), folder.path().join("other"));
    save_tensors(&weights, tensors()).unwrap();
    fs::write(&other, "").unwrap();
    let mode = |path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&weights), mode(&other));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
