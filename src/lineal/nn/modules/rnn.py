"""Recurrent nets and their cells, where PyTorch keeps them."""

from lineal.nn.cells import GRUCell, LSTMCell, RNNCell, RNNCellBase
from lineal.nn.recurrent import GRU, LSTM, RNN, RNNBase

__all__ = ["RNNBase", "RNN", "LSTM", "GRU", "RNNCellBase", "RNNCell", "LSTMCell", "GRUCell"]
