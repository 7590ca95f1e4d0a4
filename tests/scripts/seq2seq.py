"""An encoder, a decoder with attention, teacher forcing: sequences of numbers turned round."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim

SOS, EOS, MAX_LENGTH = 0, 1, 6


class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size):
        super(EncoderRNN, self).__init__()
        self.hidden_size = hidden_size
        self.embedding = nn.Embedding(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size)

    def forward(self, input, hidden):
        embedded = self.embedding(input).view(1, 1, -1)
        return self.gru(embedded, hidden)

    def initHidden(self):
        return torch.zeros(1, 1, self.hidden_size)


class AttnDecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size):
        super(AttnDecoderRNN, self).__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.attn = nn.Linear(hidden_size * 2, MAX_LENGTH)
        self.attn_combine = nn.Linear(hidden_size * 2, hidden_size)
        self.gru = nn.GRUCell(hidden_size, hidden_size)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, input, hidden, encoder_outputs):
        embedded = self.embedding(input).view(1, -1)
        attn_weights = F.softmax(self.attn(torch.cat((embedded, hidden), 1)), dim=1)
        attn_applied = torch.bmm(attn_weights.unsqueeze(0), encoder_outputs.unsqueeze(0))
        output = F.relu(self.attn_combine(torch.cat((embedded, attn_applied[0]), 1)))
        hidden = self.gru(output, hidden)
        return F.log_softmax(self.out(hidden), dim=1), hidden, attn_weights


def train(input_tensor, target_tensor, encoder, decoder, encoder_optimizer, decoder_optimizer, criterion):
    encoder_hidden = encoder.initHidden()
    encoder_optimizer.zero_grad()
    decoder_optimizer.zero_grad()
    encoder_outputs = torch.zeros(MAX_LENGTH, encoder.hidden_size)
    loss = 0
    for ei in range(input_tensor.size(0)):
        encoder_output, encoder_hidden = encoder(input_tensor[ei], encoder_hidden)
        encoder_outputs[ei] = encoder_output[0, 0]
    decoder_input, decoder_hidden = torch.tensor([[SOS]]), encoder_hidden[0]
    teacher_forcing = random.random() < 0.5
    for di in range(target_tensor.size(0)):
        decoder_output, decoder_hidden, attention = decoder(decoder_input, decoder_hidden, encoder_outputs)
        topv, topi = decoder_output.topk(1)
        decoder_input = target_tensor[di] if teacher_forcing else topi.squeeze().detach()
        loss += criterion(decoder_output, target_tensor[di].view(1))
        if not teacher_forcing and decoder_input.item() == EOS:
            break
    loss.backward()
    encoder_optimizer.step()
    decoder_optimizer.step()
    return loss.item() / target_tensor.size(0)


random.seed(2)
encoder, decoder = EncoderRNN(8, 12), AttnDecoderRNN(12, 8)
optimizers = [optim.SGD(each.parameters(), lr=0.05) for each in (encoder, decoder)]
pairs = [[2 + (n + k) % 6 for k in range(4)] for n in range(4)]
losses = []
for epoch in range(8):
    total = 0.0
    for numbers in pairs:
        source, target = torch.tensor([*numbers, EOS]), torch.tensor([*numbers[::-1], EOS])
        total += train(source, target, encoder, decoder, *optimizers, nn.NLLLoss())
    losses.append(total / len(pairs))
print(losses[-1])
