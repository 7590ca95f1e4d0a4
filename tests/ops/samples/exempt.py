"""Public names that make or inspect tensors, or write into them: nothing to differentiate, tested in files of their own."""

CONSTANTS = {
    # Creation.
    *("arange", "empty", "empty_like", "empty_permuted", "empty_strided", "eye", "full", "full_like", "linspace", "logspace"),
    *("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"),
    *("ones", "ones_like", "scalar_tensor", "tril_indices", "triu_indices", "zeros", "zeros_like", "range"),
    *("fft.fftfreq", "fft.rfftfreq"),
    # Random numbers.
    *("Generator", "bernoulli", "binomial", "get_rng_state", "initial_seed", "manual_seed", "multinomial", "normal", "poisson"),
    *("pca_lowrank", "svd_lowrank"),
    *("rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "seed", "set_rng_state"),
    # Questions and bookkeeping.
    *("broadcast_shapes", "is_conj", "is_neg", "result_type", "slice_inverse"),
    # Writing in place.
    *("fill_", "fix_", "index_put_", "zero_"),
}
