#!/usr/bin/env bash
# A planner by OpenRLHF's GRPO on Ray, rewarded by `tracelift serve` (see ../serve.toml, which takes two GPUs for its executors).
#
#     tracelift groups export groups.jsonl --to openrlhf --out planner.jsonl
#     ray start --head --num-gpus 6
#     TRACELIFT_URL=http://127.0.0.1:8010 bash examples/openrlhf/train.sh
set -euo pipefail
: "${TRACELIFT_URL:?the address of tracelift serve}"
python=${PYTHON:-python3}
exec "$python" -m openrlhf.cli.train_ppo_ray \
  --reward.remote_url "$("$python" -m tracelift_rl.openrlhf)" \
  --data.prompt_dataset "${TRAIN:-planner.jsonl}" \
  --data.input_key input \
  --data.label_key label \
  --data.apply_chat_template \
  --actor.model_name_or_path "${MODEL:-Qwen/Qwen2.5-7B-Instruct}" \
  --algo.advantage.estimator group_norm \
  --algo.kl.init_coef 0 \
  --rollout.n_samples_per_prompt 8 \
  --rollout.batch_size 64 \
  --rollout.max_new_tokens 1024 \
  --train.batch_size 512 \
  --train.micro_batch_size 4 \
  --data.max_len 2048 \
  --actor.num_nodes 1 --actor.num_gpus_per_node 4 \
  --ref.num_nodes 1 --ref.num_gpus_per_node 4 --train.colocate_actor_ref \
  --vllm.num_engines 2 --vllm.tensor_parallel_size 1 \
  --ds.zero_stage 3 --ds.param_dtype bf16 --actor.gradient_checkpointing_enable \
  --ckpt.output_dir planner \
  "$@"
