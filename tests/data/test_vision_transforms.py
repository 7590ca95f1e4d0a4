"""Transforms of images."""

import numpy as np
import pytest

import lineal
from lineal.data import DataLoader, Dataset
from lineal.data.vision import transforms
from lineal.data.vision.transforms import functional

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (9, 12, 3), dtype=np.uint8)
IMAGE = functional.to_image(PIXELS)
KINDS = {"uint8": IMAGE, "float": IMAGE.float() / 255, "several": IMAGE.expand(2, 3, 9, 12), "grey": IMAGE[:1]}


def same(x, y):
    return x.dtype == y.dtype and x.shape == y.shape and lineal.equal(x, y)


def test_images_of_pillow_and_arrays_become_tensors_and_come_back():
    image = pytest.importorskip("PIL.Image")
    for mode, shape in (("RGB", (3, 9, 12)), ("L", (1, 9, 12)), ("1", (1, 9, 12)), ("P", (3, 9, 12)), ("RGBA", (4, 9, 12))):
        pil = image.fromarray(PIXELS).convert(mode)
        x = transforms.ToImage()(pil)
        assert (tuple(x.shape), x.dtype) == (shape, lineal.uint8)
        assert same(transforms.ToTensor()(pil), x.float() / 255)
    back = transforms.ToPILImage()(IMAGE)
    assert (np.asarray(back) == PIXELS).all()
    assert (np.asarray(transforms.ToPILImage()(KINDS["float"])) == PIXELS).all()
    assert same(transforms.ToTensor()(PIXELS), KINDS["float"])
    assert same(transforms.Resize(4)(back), transforms.Resize(4)(IMAGE))
    for wrong in ("text", 3):
        with pytest.raises(TypeError, match=r"expected a.* image"):
            transforms.ToTensor()(wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_and_borders_are_those_of_arrays(kind):
    x = KINDS[kind]
    a = x.numpy()
    assert (functional.crop(x, 2, 3, 4, 5).numpy() == a[..., 2:6, 3:8]).all()
    wide = np.pad(a, [(0, 0)] * (a.ndim - 2) + [(20, 20), (20, 20)])
    for top, left, height, width in ((-2, -3, 8, 9), (5, 5, 20, 20), (-15, 0, 3, 3), (0, -9, 30, 2)):
        expected = wide[..., 20 + top :, 20 + left :][..., :height, :width]
        found = functional.crop(x, top, left, height, width).numpy()
        assert (found[..., : expected.shape[-2], : expected.shape[-1]] == expected).all()
        assert found.shape[-2:] == (height, width)
    for mode in ("constant", "edge", "reflect", "symmetric"):
        sides = [(0, 0)] * (a.ndim - 2) + [(2, 4), (1, 3)]
        assert (functional.pad(x, [1, 2, 3, 4], padding_mode=mode).numpy() == np.pad(a, sides, mode)).all()
    assert (functional.horizontal_flip(x).numpy() == a[..., ::-1]).all()
    assert (functional.vertical_flip(x).numpy() == a[..., ::-1, :]).all()
    assert functional.center_crop(x, [4, 6]).numpy().tolist() == a[..., 2:6, 3:9].tolist()
    assert functional.center_crop(x, [20, 4]).shape[-2:] == (20, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_turns_by_right_angles_move_pixels(kind):
    x = KINDS[kind]
    for quarters in range(-4, 5):
        turned = functional.rotate(x, 90 * quarters, expand=True)
        assert same(turned, x.rot90(quarters, (-2, -1)))
    # and others leave the middle of a smooth image where it is
    smooth = lineal.linspace(0, 1, 33)[None, :, None] + lineal.linspace(0, 1, 33)[None, None]
    for angle in (10, 123.4, -45):
        there = functional.rotate(smooth, angle, transforms.InterpolationMode.BILINEAR)
        back = functional.rotate(there, -angle, transforms.InterpolationMode.BILINEAR)
        assert lineal.allclose(back[:, 10:23, 10:23], smooth[:, 10:23, 10:23], atol=1e-4)
    assert functional.rotate(x, 45, fill=7)[..., 0, 0].unique().tolist() == [7]


def test_sizes():
    sizes = [
        (transforms.Resize(6), (6, 8)),
        (transforms.Resize((5, 7)), (5, 7)),
        (transforms.Resize(6, max_size=7), (5, 7)),
        (transforms.CenterCrop(4), (4, 4)),
        (transforms.RandomCrop((4, 5), padding=3), (4, 5)),
        (transforms.RandomCrop(20, pad_if_needed=True), (20, 20)),
        (transforms.RandomResizedCrop(8), (8, 8)),
        (transforms.Pad([1, 2]), (13, 14)),
    ]
    for transform, size in sizes:
        for x in KINDS.values():
            y = transform(x)
            assert (tuple(y.shape), y.dtype) == ((*x.shape[:-2], *size), x.dtype)
    with pytest.raises(ValueError, match="larger than input image size"):
        transforms.RandomCrop(20)(IMAGE)


def test_factors_of_one_change_nothing_and_of_zero_leave_grey():
    for x in KINDS.values():
        for name in ("brightness", "contrast", "saturation"):
            assert same(getattr(functional, f"adjust_{name}")(x, 1.0), x)
        assert functional.adjust_brightness(x, 0.0).unique().tolist() == [0]
        assert len(functional.adjust_contrast(x, 0.0).unique()) == 1
        grey = functional.adjust_saturation(x, 0.0)
        assert lineal.allclose(grey.float(), functional.rgb_to_grayscale(x).float().expand(*x.shape), atol=1e-4)
        turned = functional.adjust_hue(x, 0.0)
        assert lineal.allclose(turned.float(), x.float(), atol=1e-4 if x.is_floating_point() else 1)
        assert lineal.allclose(turned.float().amax(-3), functional.adjust_hue(x, 0.3).float().amax(-3), atol=1)
    red = lineal.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1)
    assert lineal.allclose(functional.adjust_hue(red, 1 / 3).flatten(), lineal.tensor([0.0, 1.0, 0.0]), atol=1e-5)


def test_numbers_keep_black_and_white():
    assert same(functional.to_dtype(IMAGE, lineal.float32, scale=True), IMAGE.float() / 255)
    assert same(functional.to_dtype(IMAGE.float() / 255, lineal.uint8, scale=True), IMAGE)
    assert functional.to_dtype(lineal.tensor([[[0, 255]]], dtype=lineal.uint8), lineal.int16, scale=True).max() == 32640
    assert same(transforms.ToDtype(lineal.float32)(IMAGE), IMAGE.float())
    normal = transforms.Normalize([0.5] * 3, [0.25] * 3)
    assert lineal.allclose(normal(KINDS["float"]), (KINDS["float"] - 0.5) / 0.25)
    with pytest.raises(TypeError, match="float tensor"):
        normal(IMAGE)
    with pytest.raises(ValueError, match="division by zero"):
        transforms.Normalize([0.5] * 3, [0.0] * 3)(KINDS["float"])


RANDOM = {
    "flip": transforms.RandomHorizontalFlip(),
    "crop": transforms.RandomCrop(5),
    "resized": transforms.RandomResizedCrop(5),
    "rotation": transforms.RandomRotation(40),
    "affine": transforms.RandomAffine(10, (0.1, 0.2), (0.8, 1.2), 5),
    "blur": transforms.GaussianBlur(3),
    "jitter": transforms.ColorJitter(0.5, 0.5, 0.5, 0.2),
    "erasing": transforms.RandomErasing(p=0.8, value=3),
    "grey": transforms.RandomGrayscale(0.5),
    "apply": transforms.RandomApply([transforms.Pad(1), transforms.RandomCrop((9, 12))]),
    "choice": transforms.RandomChoice([transforms.RandomVerticalFlip(1.0), transforms.RandomHorizontalFlip(1.0)], [0.5, 0.5]),
    "order": transforms.RandomOrder([transforms.RandomCrop(8), transforms.CenterCrop(8)]),
}


@pytest.mark.parametrize("name", RANDOM)
def test_random_transforms_draw_from_the_default_generator(name):
    def drawn():
        lineal.manual_seed(3)
        return [RANDOM[name](IMAGE) for _ in range(12)]

    first, second = drawn(), drawn()
    assert all(map(same, first, second))
    assert any(not same(first[0], each) for each in first)


def test_frequencies_of_random_transforms():
    lineal.manual_seed(0)
    flips = sum(same(transforms.RandomHorizontalFlip(0.3)(IMAGE), IMAGE) for _ in range(300))
    assert 180 < flips < 240
    erased = [
        (transforms.RandomErasing(1.0, (0.1, 0.2), value=-1)(lineal.zeros(1, 20, 20)) < 0).float().mean() for _ in range(40)
    ]
    assert all(0.07 < each < 0.24 for each in erased)


def test_chains_and_labels():
    chain = transforms.Compose([transforms.RandomHorizontalFlip(1.0), transforms.ToTensor(), transforms.Lambda(lambda x: x)])
    x, label = chain(IMAGE, 4)
    assert label == 4 and same(x, IMAGE.flip(-1).float() / 255)
    text = "      RandomHorizontalFlip(p=1.0)\n      ToTensor()\n      Lambda()"
    assert repr(chain) == f"Compose(\n{text}\n)"
    assert repr(transforms.Resize(3)) == "Resize(size=[3], interpolation=bilinear, antialias=True)"
    for wrong in (transforms.RandomHorizontalFlip, transforms.RandomErasing):
        with pytest.raises(ValueError, match="interval"):
            wrong(p=2)


class Pictures(Dataset):
    def __init__(self, transform):
        self.transform = transform

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return self.transform(PIXELS), index


def test_transforms_in_workers():
    transform = transforms.Compose([transforms.ToImage(), transforms.RandomCrop(6), transforms.ToDtype(lineal.float32, True)])
    batches = [x for x, _ in DataLoader(Pictures(transform), 3, num_workers=2)]
    assert [tuple(x.shape) for x in batches] == [(3, 3, 6, 6)] * 2


def test_affine_maps_and_blurs():
    for x in KINDS.values():
        assert same(functional.affine(x, 0, [0, 0], 1.0, 0.0), x)
        moved = functional.affine(x, 0, [2, -1], 1.0, 0.0)
        assert same(moved[..., :-1, 2:], x[..., 1:, :-2])
        # clockwise, where rotate goes counter-clockwise
        for angle in (30, -100):
            assert same(functional.affine(x, angle, [0, 0], 1.0, 0.0), functional.rotate(x, -angle))
    smooth = lineal.linspace(0, 1, 33)[None, :, None] + lineal.linspace(0, 1, 33)[None, None]
    larger = functional.affine(smooth, 0, [0, 0], 2.0, 0.0, transforms.InterpolationMode.BILINEAR)
    assert lineal.allclose(larger[0, 16].diff()[4:-4], smooth[0, 16].diff()[4:-4] / 2, atol=1e-4)
    point = lineal.zeros(1, 9, 9)
    point[0, 4, 4] = 1
    blurred = functional.gaussian_blur(point, [5, 3], [1.0, 2.0])
    assert lineal.allclose(blurred.sum(), lineal.tensor(1.0))
    assert lineal.allclose(blurred[0, 4, 5] / blurred[0, 4, 4], lineal.tensor(-0.5).exp())
    assert lineal.allclose(blurred[0, 5, 4] / blurred[0, 4, 4], lineal.tensor(-0.125).exp())
    assert (blurred[0, :, :2] == 0).all() and (blurred[0, :3] == 0).all()
    assert same(functional.gaussian_blur(lineal.full((3, 9, 9), 7, dtype=lineal.uint8), 5), lineal.full((3, 9, 9), 7).byte())
    with pytest.raises(ValueError, match="odd"):
        functional.gaussian_blur(point, 4)
