"""A planner by TRL's GRPO, rewarded by `tracelift serve`.

On eight GPUs: executors on two of them and a reward server (see ../serve.toml), vLLM for the planner's rollouts on two, training on four.

    CUDA_VISIBLE_DEVICES=4,5 trl vllm-serve --model Qwen/Qwen2.5-7B-Instruct --tensor-parallel-size 2
    CUDA_VISIBLE_DEVICES=0,1,2,3 accelerate launch --num_processes 4 examples/trl/train.py \
        --model Qwen/Qwen2.5-7B-Instruct --data planner.jsonl --url http://127.0.0.1:8010 --vllm

`planner.jsonl` is made by `tracelift groups export groups.jsonl --to trl-grpo --prompt … --out planner.jsonl`.
"""

import argparse

from datasets import load_dataset
from tracelift_rl.trl import TraceLiftReward
from trl import GRPOConfig, GRPOTrainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, help="JSON lines with `prompt`, and what names or holds the problem")
    parser.add_argument("--url", required=True, help="where `tracelift serve` is")
    parser.add_argument("--out", default="planner")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--generations", type=int, default=8, help="G, the traces of a problem")
    parser.add_argument("--batch", type=int, default=16, help="completions of a device and step; a multiple of G over all devices")
    parser.add_argument("--max-completion-length", type=int, default=1024)
    parser.add_argument("--learning-rate", type=float, default=1e-6)
    parser.add_argument("--vllm", action="store_true", help="let a `trl vllm-serve` write the rollouts")
    parser.add_argument("--cpu", action="store_true", help="to try it out on a laptop")
    args = parser.parse_args()
    settings = GRPOConfig(
        output_dir=args.out,
        max_steps=args.steps,
        per_device_train_batch_size=args.batch,
        num_generations=args.generations,
        max_completion_length=args.max_completion_length,
        learning_rate=args.learning_rate,
        beta=0.0,
        # Of an unknown reward the group is none the wiser; of a group without spread there is nothing to learn.
        scale_rewards="group",
        log_completions=not args.cpu,
        logging_steps=1,
        use_vllm=args.vllm,
        use_cpu=args.cpu,
        bf16=not args.cpu,
        report_to=[],
    )
    trainer = GRPOTrainer(
        model=args.model,
        reward_funcs=[TraceLiftReward(args.url, max_completion_length=args.max_completion_length)],
        train_dataset=load_dataset("json", data_files=args.data, split="train"),
        args=settings,
    )
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    main()
