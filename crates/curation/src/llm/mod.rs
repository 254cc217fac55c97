//! Groups with the help of a language model: flawed traces and references that it writes, labels that it judges.
//!
//! A [`Writer`] proposes flawed traces of every kind of both domains, as rules do, and writes reference traces, which
//! count only if gold or an executor, the [`Referee`], confirms them. A [`GroupJudge`] labels whole groups; its [`Agreement`] with the
//! labels by construction and its [`Saturation`] are counted as it goes. All of them ask through a
//! [`tracelift_oracle::Oracle`], so what was answered once is never asked, or paid, again.
//!
//! What a model does not deliver is counted by cause, never replaced. A failure that may pass (the endpoint is away, the
//! budget is used up) leaves the group unfinished: it is an error here, and the group is to be made later.

mod agreement;
mod closeness;
mod counts;
mod help;
mod judge;
mod referee;
mod reference;
mod writer;

pub use agreement::{Agreement, DimensionAgreement};
pub use counts::LlmCounts;
pub use help::{Goal, Help, Seedling};
pub use judge::{GroupJudge, JudgeSection, Judged, LabelSource};
pub use referee::{Referee, RefereeConfig, RefereeError};
pub use reference::{Reference, References, gold_check};
pub use tracelift_statistics::{Saturation, SaturationReport};
pub use writer::{FlawAnswer, FlawUse, Flaws, LlmConfig, TEMPLATES, Unanswered, Writer};
