"""A language model that says what a script tells it to: a GGUF file of 2 MB, made in a moment, with nothing trained.

The prompt holds a marker, `<|script:think|>`, and the reply is the text of that script, token by token. The server does
everything else for real: chat template, grammar and parsing of tool calls, reasoning, limits, stop strings, usage.

How: one layer of the llama architecture with one-hot embeddings. An attention head copies the marker, wherever it
stands, beside the last token; the output matrix is a table from each token to the next one. For that table each script
is cut into pieces of text that occur once in the whole vocabulary.

Needs numpy and gguf (requirements.txt).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

CONTEXT = 2048
"""Tokens; a character of the prompt is about one."""

END = "<|im_end|>"
_SPECIAL = ("<|endoftext|>", "<|im_start|>", END)
_SIZES = (4, 3, 5, 6, 2, 7, 8, 9, 10, 12, 15, 18)
"""Bytes of a piece, as they are tried."""

_HEAD = 64
"""Width of an attention head; llama.cpp wants a usual one."""

_SURE = 40.0
"""Logit by which the next token stands out."""

Matrix = npt.NDArray[np.float32]


def marker(script: str) -> str:
    """What a prompt holds to get this script."""
    return f"<|script:{script}|>"


def write_model(path: Path, scripts: Mapping[str, str], template: str) -> None:
    """Write the GGUF. template: the chat template, Jinja.

    Raises ValueError when the scripts have too much in common, or are too many.
    """
    vocabulary = _Vocabulary(scripts)
    size, count = len(vocabulary.tokens), len(scripts)
    width = -(-(size + count + 1) // _HEAD) * _HEAD
    if count >= _HEAD:
        raise ValueError(f"{count} scripts: the head that tells them apart has room for {_HEAD - 1}")
    writer = gguf.GGUFWriter(str(path), "llama")
    _describe(writer, vocabulary, width, template)
    _add_tensors(writer, vocabulary, width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class _Vocabulary:
    """Tokens: the special ones, a marker per script, the 256 bytes, and the pieces of the scripts."""

    def __init__(self, scripts: Mapping[str, str]) -> None:
        self.special = [*_SPECIAL, *map(marker, scripts)]
        self.prompt = len(self.special) + 256  # tokens that a prompt is made of
        pieces = _cut([text.encode() for text in scripts.values()])
        ids = {piece: self.prompt + n for n, piece in enumerate(piece for chain in pieces for piece in chain)}
        self.chains = [[ids[piece] for piece in chain] for chain in pieces]
        letters = _byte_letters()
        spelled = ["".join(letters[byte] for byte in piece) for piece in ids]
        self.tokens = [*self.special, *(letters[byte] for byte in range(256)), *spelled]
        self.end = self.special.index(END)


def _cut(texts: Sequence[bytes]) -> list[list[bytes]]:
    used: set[bytes] = set()
    chains = []
    for text in texts:
        chain = [text] if len(text) == 2 and text not in used else _chain(text, frozenset(used))
        if chain is None:
            raise ValueError(f"no way to cut {text!r} into pieces that no other script has: change its words or spaces")
        used.update(chain)
        chains.append(chain)
    return chains


def _chain(text: bytes, used: frozenset[bytes]) -> list[bytes] | None:
    """The text in pieces of which none is used, None when there is no way."""
    if not text:
        return []
    for size in _SIZES:
        piece = text[:size]
        if len(piece) == size and piece not in used:
            rest = _chain(text[size:], used | {piece})
            if rest is not None:
                return [piece, *rest]
    return None


def _byte_letters() -> dict[int, str]:
    """The printable stand-in of each byte in a GPT-2 vocabulary (`bytes_to_unicode` of openai/gpt-2's encoder.py)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + n) for n, byte in enumerate(others)}}


def _describe(writer: gguf.GGUFWriter, vocabulary: _Vocabulary, width: int, template: str) -> None:
    writer.add_name("scripted")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(width // _HEAD)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(_HEAD)
    writer.add_rope_freq_base(1e12)  # the last dimension of a head does not turn with the position
    writer.add_vocab_size(len(vocabulary.tokens))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types([control if n < len(vocabulary.special) else normal for n in range(len(vocabulary.tokens))])
    first_piece = vocabulary.tokens[vocabulary.prompt]
    writer.add_token_merges([f"{first_piece[0]} {first_piece[1:]}"])  # the loader wants one; no text has it
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(vocabulary.end)
    writer.add_add_bos_token(False)
    writer.add_chat_template(template)


def _add_tensors(writer: gguf.GGUFWriter, vocabulary: _Vocabulary, width: int) -> None:
    norm = np.full(width, width**-0.5, np.float32)  # undoes the root mean square of a one-hot vector; float32 only
    nothing = np.zeros((32, width), np.float32)
    query, key, value, output = _attention(vocabulary, width)
    tensors: dict[str, Matrix] = {
        "token_embd.weight": np.eye(len(vocabulary.tokens), width, dtype=np.float32),
        "output.weight": _next_tokens(vocabulary, width),
        "blk.0.attn_q.weight": query,
        "blk.0.attn_k.weight": key,
        "blk.0.attn_v.weight": value,
        "blk.0.attn_output.weight": output,
        "blk.0.ffn_gate.weight": nothing,
        "blk.0.ffn_up.weight": nothing,
        "blk.0.ffn_down.weight": nothing.T,
    }
    for name, tensor in tensors.items():
        writer.add_tensor(name, np.ascontiguousarray(tensor, np.float16))
    for name, vector in (("output_norm", norm), ("blk.0.attn_norm", norm), ("blk.0.ffn_norm", np.ones_like(norm))):
        writer.add_tensor(f"{name}.weight", vector)


def _attention(vocabulary: _Vocabulary, width: int) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Every token looks for a marker; what it finds goes into the dimensions after those of the vocabulary."""
    size = len(vocabulary.tokens)
    query, output = np.zeros((width, width), np.float32), np.zeros((width, width), np.float32)
    key, value = np.zeros((_HEAD, width), np.float32), np.zeros((_HEAD, width), np.float32)
    query[_HEAD - 1, :size] = 24.0
    for n in range(len(vocabulary.chains)):
        token = len(_SPECIAL) + n
        key[_HEAD - 1, token] = 24.0
        value[n, token] = 1.0
        output[size + n, n] = 1.0
    return query, key, value, output


def _next_tokens(vocabulary: _Vocabulary, width: int) -> Matrix:
    """From the last token, and the marker beside it, to the logits of the next."""
    size = len(vocabulary.tokens)
    table = np.zeros((size, width), np.float32)
    for n, chain in enumerate(vocabulary.chains):
        for token, following in zip(chain, [*chain[1:], vocabulary.end], strict=True):
            table[following, token] += 3 * _SURE
        table[chain[0], size + n] += _SURE  # the script that the marker names
        table[chain[0], : vocabulary.prompt] += _SURE  # begins after a token of the prompt
    return table
