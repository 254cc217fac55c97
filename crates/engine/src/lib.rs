//! Decoder-only transformers (Qwen2, Qwen3, Llama) on a CPU: forward, backward, sampling, checkpoints.
//!
//! The set of families is closed and their dozen operators have hand-derived backward passes ([`ops`]); there is no graph and
//! no general tensor. A [`Model`] is a shape and one flat buffer of weights; a [`Pass`] runs it over a packed
//! [`Batch`], forward and back; a [`Learner`] owns all that a training changes; [`sampling`] draws from a model; [`checkpoint`] and [`peft`] read and write what
//! `transformers` and PEFT read and write.

pub mod batch;
pub mod chat;
pub mod checkpoint;
pub mod config;
mod fingerprint;
pub mod hub;
pub mod learner;
pub mod lora;
pub mod model;
pub mod ops;
pub mod optimizer;
mod pages;
pub mod params;
pub mod pass;
pub mod peft;
pub mod real;
pub mod sampling;
mod shared;
pub mod tokenizer;

pub use batch::{Batch, Span};
pub use chat::{ChatOptions, ChatTemplate, Conversation};
pub use checkpoint::{Checkpoint, CheckpointError, Precision};
pub use config::{Config, Family};
pub use learner::{Device, Learner, Parameters, Passage, Readout, ReadoutLearner, Start};
pub use lora::{LoraConfig, Projection};
pub use model::Model;
pub use ops::head::{Target, TokenScore};
pub use optimizer::{AdamW, AdamWConfig, MatrixRule, Schedule};
pub use pass::{Memory, Pass};
pub use sampling::{Ended, Finish, Numbers, Reader, Request, Sampled, Sampler, Sampling};
pub use tokenizer::Tokenizer;
