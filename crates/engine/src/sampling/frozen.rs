//! Weights that learn no more, kept once: as sampling reads them. A planner whose adapters learn, its sampler and an executor
//! with the same base read the same panels; training, which wants rows, takes a copy of one matrix at a time.

use super::packed::{self, Matrix, Numbers, Packed};
use crate::model::{Model, Site};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Shared weights; a clone is another handle to them.
#[derive(Clone, Debug)]
pub struct Frozen {
    packed: Packed,
    /// The same in 8 bits, once somebody samples in them.
    int8: Arc<OnceLock<Packed>>,
    places: Arc<[(Range<usize>, Place)]>,
    /// All vectors, one after another.
    vectors: Arc<[f32]>,
    /// The head's table row by row, once somebody learns through it: its rows are wanted all at once.
    head: Arc<OnceLock<Vec<f32>>>,
}

/// Where a range of a model's layout is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// From here on in the vectors.
    Vector(usize),
    Embedding,
    Head,
    Block(usize, Site),
}

impl Frozen {
    /// The weights of a model without adapters; nothing if one of its matrices is not in bf16.
    pub fn of(model: &Model) -> Option<Frozen> {
        let layout = &model.layout;
        let mut matrices = layout.tensors.iter().filter(|tensor| tensor.shape.len() == 2);
        if !matrices
            .all(|matrix| packed::are_kept_narrow(&model.weights[matrix.range.clone()], matrix.shape[1]))
        {
            return None;
        }
        let packed = Packed::in_numbers(model, Numbers::F32);
        let (mut places, mut vectors) = (Vec::new(), Vec::new());
        // The first of two that are one table stays.
        places.push((layout.head.clone(), Place::Head));
        if layout.head != layout.embedding {
            places.push((layout.embedding.clone(), Place::Embedding));
        }
        for (layer, block) in layout.blocks.iter().enumerate() {
            let sites = [
                (&block.qkv, Site::Qkv),
                (&block.output, Site::Output),
                (&block.gate_up, Site::GateUp),
                (&block.down, Site::Down),
            ];
            places.extend(sites.map(|(range, site)| (range.clone(), Place::Block(layer, site))));
        }
        for tensor in layout.tensors.iter().filter(|tensor| tensor.shape.len() == 1) {
            places.push((tensor.range.clone(), Place::Vector(vectors.len())));
            vectors.extend_from_slice(&model.weights[tensor.range.clone()]);
        }
        places.sort_by_key(|(range, _)| range.start);
        let (head, int8) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
        Some(Frozen { packed, int8, places: places.into(), vectors: vectors.into(), head })
    }

    /// For sampling with products in the given numbers.
    pub(super) fn packed(&self, numbers: Numbers) -> &Packed {
        match numbers {
            Numbers::F32 | Numbers::Bf16 => &self.packed,
            Numbers::Int8 => self.int8.get_or_init(|| self.packed.in_int8()),
        }
    }

    /// The place that begins at or before an element of the layout.
    fn place(&self, at: usize) -> (&Range<usize>, Place) {
        let after = self.places.partition_point(|(range, _)| range.start <= at);
        // The layout begins with a table, and every element belongs to something that was placed.
        let (range, place) = &self.places[after.saturating_sub(1)];
        assert!(range.contains(&at), "a range that the layout does not have");
        (range, *place)
    }

    fn matrix(&self, place: Place) -> Option<&Matrix> {
        Some(match place {
            Place::Vector(_) => return None,
            Place::Head => &self.packed.head,
            Place::Embedding => self.packed.table(),
            Place::Block(layer, site) => self.packed.blocks[layer].matrix(site),
        })
    }

    /// A vector, or several that lie side by side in the layout.
    pub fn vector(&self, range: &Range<usize>) -> &[f32] {
        let (whole, place) = self.place(range.start);
        let Place::Vector(first) = place else { unreachable!("matrices are copied, not lent") };
        &self.vectors[first + range.start - whole.start..][..range.len()]
    }

    /// Copies whole rows of a matrix, or a vector.
    pub fn copy(&self, range: &Range<usize>, out: &mut [f32]) {
        let (whole, place) = self.place(range.start);
        match self.matrix(place) {
            Some(matrix) => matrix.copy_rows(range.start - whole.start, out),
            None => out.copy_from_slice(self.vector(range)),
        }
    }

    /// The rows of the embedding that tokens name.
    pub fn embed(&self, y: &mut [f32], tokens: &[u32], width: usize) {
        for (y, token) in y.chunks_exact_mut(width).zip(tokens) {
            self.packed.table().output(*token as usize, y);
        }
    }

    /// The head's table, row by row.
    pub fn head(&self, range: &Range<usize>) -> &[f32] {
        self.head.get_or_init(|| {
            let mut table = crate::pages::zeros(range.len());
            self.copy(range, &mut table);
            table
        })
    }
}
