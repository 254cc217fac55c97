"""What verifiers finds under the name `tracelift-planner`: it looks modules up by themselves, not in packages."""

from tracelift_rl.verifiers import OneMessage, PlannerEnv, PlannerTaskset, load_environment

__all__ = ["OneMessage", "PlannerEnv", "PlannerTaskset", "load_environment"]
