//! Statistics that several rooms of the house need: means whose errors know which samples belong together, ranks, areas
//! under ROC curves, calibration, saturation. Pure functions; what cannot be computed is `None`, never a number.

mod calibration;
mod estimate;
mod rank;
mod saturation;

pub use calibration::{Bin, calibration_error, reliability};
pub use estimate::{Cluster, Estimate, Measurement, clusters, pooled_mean, sandwich};
pub use rank::{Area, area, auc, spearman};
pub use saturation::{Saturation, SaturationReport};
