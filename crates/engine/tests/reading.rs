//! What a reader says of a text is what a pass says of its last token, in every family, and depends on nothing else.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::path::Path;
use tracelift_engine::{Batch, Device, Memory, Model, Numbers, Pass, Sampler, checkpoint};

fn model(name: &str) -> Model {
    checkpoint::load_model(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

/// Short ones, one of exactly a chunk, and some that make the reader's buffers grow.
fn texts() -> Vec<Vec<u32>> {
    [1, 2, 9, 70, 256, 257, 600, 31].map(|length| (0..length).map(|at| at * 11 % 60).collect()).to_vec()
}

#[test]
fn a_reader_says_what_a_pass_says() {
    for name in ["qwen2-gqa-untied", "qwen3-tied", "llama3-untied"] {
        let model = model(name);
        let width = model.config.hidden_size;
        for device in Device::ALL {
            let sampler = Sampler::on(device, &model, Numbers::F32);
            let (mut reader, mut pass) = (sampler.reader(), Pass::new(Memory::Recompute));
            for text in texts() {
                let found = reader.last_hidden(&text);
                pass.forward(&model, &Batch::of([&text]));
                let wanted = &pass.hidden()[(text.len() - 1) * width..];
                for (found, wanted) in found.iter().zip(wanted) {
                    assert!((found - wanted).abs() < 2e-4, "{name}, {} tokens: {found} {wanted}", text.len());
                }
            }
        }
    }
}

#[test]
fn nothing_is_left_of_what_was_read_before() {
    let model = model("qwen3-tied");
    for device in Device::ALL {
        let sampler = Sampler::on(device, &model, Numbers::F32);
        let mut reader = sampler.reader();
        let used: Vec<Vec<f32>> = texts().iter().map(|text| reader.last_hidden(text)).collect();
        for (text, used) in texts().iter().zip(used) {
            assert_eq!(sampler.reader().last_hidden(text), used, "{} tokens", text.len());
        }
        assert_eq!(reader.last_hidden(&[]), vec![0.0; model.config.hidden_size]);
    }
}

/// What texts have in common is taken from the one before: wherever they part, in every family, it is as if each were read alone.
#[test]
fn branches_read_as_wholes() {
    for name in ["qwen2-gqa-untied", "qwen3-tied", "llama3-untied"] {
        let model = model(name);
        for device in Device::ALL {
            let sampler = Sampler::on(device, &model, Numbers::F32);
            let trunk: Vec<u32> = (0..600).map(|at| at * 7 % 60).collect();
            let mut texts = Vec::new();
            for parting in [0, 1, 2, 63, 64, 255, 256, 257, 300, 511, 512, 513, 599] {
                for own in [1, 2, 40, 256, 257] {
                    let branch = (0..own).map(|at| (at * 13 + own + 1) % 60);
                    texts.push(trunk[..parting].iter().copied().chain(branch).collect::<Vec<u32>>());
                }
                texts.push(trunk[..parting].to_vec());
            }
            let mut reader = sampler.reader();
            for order in [texts.iter().collect::<Vec<_>>(), texts.iter().rev().collect()] {
                for text in order {
                    assert_eq!(
                        reader.last_hidden(text),
                        sampler.reader().last_hidden(text),
                        "{name}, {} tokens",
                        text.len()
                    );
                    // The same again: all of it but the last token is common.
                    assert_eq!(
                        reader.last_hidden(text),
                        sampler.reader().last_hidden(text),
                        "{name}, {} tokens",
                        text.len()
                    );
                }
            }
        }
    }
}
