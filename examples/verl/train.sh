#!/usr/bin/env bash
# A planner by verl's GRPO on Ray, rewarded by `tracelift serve` (see ../serve.toml, which takes two GPUs for its executors).
#
#     tracelift groups export groups.jsonl --to verl-parquet --out planner.parquet
#     ray start --head --num-gpus 6
#     URL=http://127.0.0.1:8010 bash examples/verl/train.sh trainer.total_training_steps=500
#
# What stands behind replaces keys. `--cfg job` prints the configuration and starts nothing.
set -euo pipefail
exec "${PYTHON:-python3}" -m verl.trainer.main_ppo \
  algorithm.adv_estimator=grpo \
  algorithm.use_kl_in_reward=False \
  data.train_files="${TRAIN:-planner.parquet}" \
  data.val_files="${VALID:-planner.parquet}" \
  data.train_batch_size=64 \
  data.max_prompt_length=1024 \
  data.max_response_length=1024 \
  data.truncation=error \
  actor_rollout_ref.model.path="${MODEL:-Qwen/Qwen2.5-7B-Instruct}" \
  actor_rollout_ref.actor.optim.lr=1e-6 \
  actor_rollout_ref.actor.ppo_mini_batch_size=64 \
  actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=4 \
  actor_rollout_ref.actor.use_kl_loss=False \
  actor_rollout_ref.rollout.name=vllm \
  actor_rollout_ref.rollout.n=8 \
  actor_rollout_ref.rollout.tensor_model_parallel_size=2 \
  actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=8 \
  reward.custom_reward_function.path=pkg://tracelift_rl.verl \
  reward.custom_reward_function.name=compute_score \
  "+reward.custom_reward_function.reward_kwargs={url: \"${URL:?the address of tracelift serve}\"}" \
  reward.num_workers=8 \
  trainer.n_gpus_per_node=6 \
  trainer.nnodes=1 \
  trainer.logger='["console"]' \
  "$@"
