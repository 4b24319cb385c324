"""Trains tasks of the world with Stable-Baselines3's PPO, which knows nothing of xview.

pip install 'xview-training[peers]'
python training/examples/stable_baselines3_ppo.py
"""

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env


def main(environments: int = 8, total_timesteps: int = 100_000) -> PPO:
    """The trained model."""
    tasks = {"suite": "train-v1", "event": "approach", "difficulty": "near"}
    envs = make_vec_env("xview_training:xview/CrossView-v0", environments, seed=0, env_kwargs=tasks)
    model = PPO("MultiInputPolicy", envs, n_steps=64, batch_size=128, ent_coef=0.01, seed=0, verbose=1)
    model.learn(total_timesteps)
    envs.close()
    return model


if __name__ == "__main__":
    main().save("runs/stable_baselines3_ppo")
