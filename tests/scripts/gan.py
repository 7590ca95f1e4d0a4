"""Two networks against each other: two optimizers, `detach`, initialisation by class name."""

import torch
import torch.nn as nn
from torch.autograd import Variable


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        m.weight.data.normal_(0.0, 0.02)
    elif classname.find("BatchNorm") != -1:
        m.weight.data.normal_(1.0, 0.02)
        m.bias.data.fill_(0)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()

        def block(in_feat, out_feat, normalize=True):
            layers = [nn.ConvTranspose2d(in_feat, out_feat, 4, 2, 1, bias=False)]
            if normalize:
                layers.append(nn.BatchNorm2d(out_feat, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        self.model = nn.Sequential(*block(6, 8), *block(8, 4), nn.Conv2d(4, 1, 3, padding=1), nn.Tanh())

    def forward(self, z):
        return self.model(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 6, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(6, 8, 4, 2, 1), nn.LeakyReLU(0.2))
        self.classify = nn.Linear(32, 1)

    def forward(self, img):
        return torch.sigmoid(self.classify(self.features(img).view(img.size(0), -1)))


Tensor = torch.cuda.FloatTensor if torch.cuda.is_available() else torch.FloatTensor
generator, discriminator = Generator(), Discriminator()
generator.apply(weights_init)
discriminator.apply(weights_init)
adversarial_loss = torch.nn.BCELoss()
optimizer_G = torch.optim.Adam(generator.parameters(), lr=0.002, betas=(0.5, 0.999))
optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=0.002, betas=(0.5, 0.999))
ramp = torch.linspace(-1, 1, 8)
real_imgs = Variable((ramp[:, None] * ramp).expand(8, 1, 8, 8).type(Tensor))
losses = []
for step in range(12):
    valid = Variable(Tensor(8, 1).fill_(1.0), requires_grad=False)
    fake = Variable(Tensor(8, 1).fill_(0.0), requires_grad=False)
    optimizer_G.zero_grad()
    gen_imgs = generator(torch.randn(8, 6, 2, 2))
    g_loss = adversarial_loss(discriminator(gen_imgs), valid)
    g_loss.backward()
    optimizer_G.step()
    optimizer_D.zero_grad()
    real_loss = adversarial_loss(discriminator(real_imgs), valid)
    fake_loss = adversarial_loss(discriminator(gen_imgs.detach()), fake)
    d_loss = (real_loss + fake_loss) / 2
    d_loss.backward()
    optimizer_D.step()
    losses.append(d_loss.item())
print("[D loss: %f] [G loss: %f]" % (d_loss.item(), g_loss.item()))
