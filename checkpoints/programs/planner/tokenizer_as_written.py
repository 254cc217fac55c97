"""The tokenizer of this directory, as its tokenizer.json says it.

transformers takes every tokenizer beside a model of type "qwen2" for Qwen2's own and cuts texts as that one does. A class of
its own in tokenizer_config.json keeps it from that; without `trust_remote_code` the generic class is taken, and this file is
not even looked at.
"""

from transformers import PreTrainedTokenizerFast


class TokenizerAsWritten(PreTrainedTokenizerFast):
    """Nothing is added to what is written."""
