//! Statistics that several rooms of the house need: means whose errors know which samples belong together, ranks, areas
//! under ROC curves, calibration, saturation, differences over seeds and problems. Pure functions; what cannot be computed is `None`, never a number.

mod calibration;
mod estimate;
mod paired;
mod rank;
mod saturation;
mod student;

pub use calibration::{Bin, calibration_error, reliability};
pub use estimate::{Cluster, Estimate, Measurement, clusters, pooled_mean, sandwich};
pub use paired::{
    OverSeeds, Pair, Problems, SeedDifference, bootstrap_interval, detectable, mcnemar, over_seeds,
    paired_error, pooled_difference,
};
pub use rank::{Area, area, auc, pearson, spearman};
pub use saturation::{Saturation, SaturationReport};
pub use student::{holm, quantile as student_quantile, two_sided};
