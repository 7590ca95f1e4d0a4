"""A data set of one's own, sentences of different lengths, a function that collates them, and packed sequences."""

import os

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset, Subset, random_split
from torch.utils.data.dataloader import default_collate
from torch.utils.data.sampler import SequentialSampler

WORDS = ["<pad>", "good", "bad", "film", "very", "not", "plot", "fine"]


class Reviews(Dataset):
    def __init__(self, count, transform=None):
        self.items = [[1 + (i * (k + 2) + k) % 7 for k in range(2 + i % 4)] for i in range(count)]
        self.transform = transform

    def __len__(self):
        return len(self.items)

    def __getitem__(self, idx):
        if torch.is_tensor(idx):
            idx = idx.tolist()
        item = torch.tensor(self.items[idx])
        sample = {"text": item, "label": int((item == 1).any())}
        return self.transform(sample) if self.transform else sample


def collate_fn(batch):
    lengths = torch.tensor([len(each["text"]) for each in batch])
    text = pad_sequence([each["text"] for each in batch], batch_first=True, padding_value=0)
    return text, lengths, default_collate([each["label"] for each in batch])


class Classifier(nn.Module):
    def __init__(self, vocab, dim=8):
        super().__init__()
        self.embedding = nn.Embedding(vocab, dim, padding_idx=0)
        self.rnn = nn.GRU(dim, dim, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * dim, 2)

    def forward(self, text, lengths):
        packed = pack_padded_sequence(self.embedding(text), lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, hidden = self.rnn(packed)
        return self.out(torch.cat((hidden[-2], hidden[-1]), dim=1))


dataset = Reviews(48)
training, validation = Subset(dataset, range(40)), Subset(dataset, range(40, 48))
print([len(each) for each in random_split(dataset, [0.75, 0.25], generator=torch.Generator().manual_seed(0))])
loader = DataLoader(training, batch_size=10, sampler=SequentialSampler(training), collate_fn=collate_fn, num_workers=0)
model = Classifier(len(WORDS))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
criterion = nn.CrossEntropyLoss()
losses = []
for epoch in range(5):
    for text, lengths, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(text, lengths), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
with torch.no_grad():
    text, lengths, labels = next(iter(DataLoader(validation, batch_size=8, collate_fn=collate_fn)))
    print("validation", (model(text, lengths).argmax(1) == labels).float().mean().item(), os.getpid() > 0)
