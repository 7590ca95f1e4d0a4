"""Loop lists: a kernel that is written with NumPy, as the inner loops of NumPy's that it runs.

On small arrays a call of NumPy's takes ten times as long as its loop. A kernel is run once on arrays that note what is done
with them (`noting`): which ufuncs, on which memory, in which order (`nests`). What is noted is put into words (`words`), by
which emitted code (`running`) does the same again for arrays of the same dtypes, shapes and strides: it calls the very loops
that NumPy would (`ufuncs`), so that no bit is different. Where numbers decide what is done, or something is done that cannot be
noted, the kernel stays.
"""
