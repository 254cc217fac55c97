//! Keys of configurations that were called otherwise once. One table, for `train`, `eval` and whoever else reads the file.

/// A key or section that has another name now.
pub(crate) struct Renamed {
    /// As it was called.
    pub old: &'static str,
    /// As it is called.
    pub new: &'static str,
}

const fn renamed(old: &'static str, new: &'static str) -> Renamed {
    Renamed { old, new }
}

/// Of the file of `train` and `eval`.
pub(super) const OF_RUNS: [Renamed; 12] = [
    renamed("data.gsm8k", "data.path"),
    renamed("data.problems", "data.path"),
    renamed("eval.data.gsm8k", "eval.data.path"),
    renamed("eval.data.problems", "eval.data.path"),
    renamed("reward_model", "rubric"),
    renamed("grpo.rule", "reward.rule"),
    renamed("grpo.lambda", "reward.lambda"),
    renamed("grpo.runs", "reward.runs"),
    renamed("grpo.temperature", "planner.sampling.temperature"),
    renamed("grpo.top_p", "planner.sampling.top_p"),
    renamed("grpo.max_tokens", "planner.sampling.max_tokens"),
    renamed("executor.openai.style", "executor.openai.prompt"),
];
