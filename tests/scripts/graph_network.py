"""Messages along the edges of a graph: index_add_, scatter_add, degrees, dropout of edges, masks of nodes."""

import torch
import torch.nn.functional as F
from torch.nn import Linear, Module, Parameter
from torch.nn.modules.container import ModuleList


class GCNConv(Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.lin = Linear(in_channels, out_channels, bias=False)
        self.bias = Parameter(torch.Tensor(out_channels))
        self.reset_parameters()

    def reset_parameters(self):
        self.lin.reset_parameters()
        self.bias.data.zero_()

    def forward(self, x, edge_index):
        loops = torch.arange(x.size(0), device=x.device).repeat(2, 1)
        row, col = torch.cat([edge_index, loops], dim=1)
        deg = torch.zeros(x.size(0), dtype=x.dtype).scatter_add_(0, col, torch.ones_like(col, dtype=x.dtype))
        norm = deg.pow(-0.5)
        norm[norm == float("inf")] = 0
        x = self.lin(x)
        out = torch.zeros_like(x)
        out.index_add_(0, col, x[row] * (norm[row] * norm[col]).view(-1, 1))
        return out + self.bias

    def __repr__(self):
        return "{}({}, {})".format(self.__class__.__name__, self.lin.in_features, self.lin.out_features)


class Net(Module):
    def __init__(self, widths):
        super().__init__()
        self.convs = ModuleList(GCNConv(a, b) for a, b in zip(widths, widths[1:]))

    def forward(self, x, edge_index):
        for conv in self.convs[:-1]:
            x = F.elu(conv(x, edge_index))
        return F.log_softmax(self.convs[-1](x, edge_index), dim=-1)


n = 24
source = torch.arange(n).repeat_interleave(3)
target = (source + torch.tensor([1, 2, 8]).repeat(n)) % n
edge_index = torch.unique(torch.stack([torch.cat([source, target]), torch.cat([target, source])]), dim=1)
x = torch.eye(n)[:, :6] + torch.linspace(-1, 1, n)[:, None]
y = torch.div(torch.arange(n), 8, rounding_mode="floor")
train_mask = torch.zeros(n, dtype=torch.bool)
train_mask[::2] = True
model = Net([6, 12, 3])
optimizer = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=5e-4)
losses = []
for epoch in range(25):
    model.train()
    optimizer.zero_grad()
    loss = F.nll_loss(model(x, edge_index)[train_mask], y[train_mask])
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
model.eval()
pred = model(x, edge_index).max(dim=1)[1]
print(model, "accuracy", pred[~train_mask].eq(y[~train_mask]).sum().item() / int((~train_mask).sum()))
