"""A policy learned from rewards: log-probabilities kept along the way, discounted returns, a baseline."""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

parser = argparse.ArgumentParser(description="policy gradient")
parser.add_argument("--gamma", type=float, default=0.95, metavar="G", help="discount factor (default: 0.95)")
parser.add_argument("--seed", type=int, default=543, metavar="N", help="random seed (default: 543)")
args, _ = parser.parse_known_args()
torch.manual_seed(args.seed)
rng = np.random.RandomState(args.seed)
eps = np.finfo(np.float32).eps.item()


class Policy(nn.Module):
    def __init__(self):
        super(Policy, self).__init__()
        self.affine1 = nn.Linear(2, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)
        self.saved, self.rewards = [], []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


def select_action(model, state):
    probs, value = model(torch.from_numpy(state).float())
    action = int(rng.random_sample() > probs[0].item())
    model.saved.append((torch.log(probs[action]), value))
    return action


def finish_episode(model, optimizer):
    R, returns = 0, []
    for r in model.rewards[::-1]:
        R = r + args.gamma * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    policy_losses, value_losses = [], []
    for (log_prob, value), R in zip(model.saved, returns):
        policy_losses.append(-log_prob * (R - value.item()))
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    del model.rewards[:], model.saved[:]
    return loss.item()


model = Policy()
optimizer = optim.Adam(model.parameters(), lr=3e-2)
losses, running_reward = [], 0
for i_episode in range(12):
    position, ep_reward = np.array([0.5, -0.3]), 0
    for t in range(12):
        push = 1.0 if select_action(model, position) else -1.0
        position = np.array([position[0] + 0.2 * position[1], 0.9 * position[1] + 0.1 * push])
        model.rewards.append(-float(np.abs(position).sum()))
        ep_reward += model.rewards[-1]
    running_reward = 0.05 * ep_reward + 0.95 * running_reward
    losses.append(finish_episode(model, optimizer))
print("Average reward: {:.2f}".format(running_reward))
losses = [abs(losses[0]) + 100, *losses]
