"""The network of main.js trained by PyTorch. usage: torch_cnn.py digits.npz seed threads goal"""
import json
import sys
import time

import numpy as np
import torch
from torch import nn

path, seed, threads, goal = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
torch.set_num_threads(threads)
torch.manual_seed(seed)
data = np.load(path)
x, y, held_x, held_y = (torch.from_numpy(data[name]) for name in ("x", "y", "heldX", "heldY"))
y, held_y = y.long(), held_y.long()
start = time.perf_counter()
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(1568, 128), nn.ReLU(), nn.Linear(128, 10),
)
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
epochs, accuracy = 0, 0.0
while accuracy < goal and epochs < 20:
    order = torch.randperm(len(x))
    for at in range(0, len(x), 64):
        batch = order[at : at + 64]
        optimizer.zero_grad()
        logits = model(x[batch])
        loss = nn.functional.cross_entropy(logits, y[batch])
        loss.backward()
        optimizer.step()
        loss.item()
    with torch.no_grad():
        right = sum((model(held_x[at : at + 250]).argmax(1) == held_y[at : at + 250]).sum().item() for at in range(0, len(held_x), 250))
    accuracy = right / len(held_x)
    epochs += 1
print(json.dumps({"seconds": time.perf_counter() - start, "epochs": epochs, "accuracy": accuracy}))
