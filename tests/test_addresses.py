"""Banks' names and addresses, as they are typed and as they are written."""

from __future__ import annotations

import polars as pl
import pytest
import torch

from unembed import Features
from unembed.addresses import address, as_written, bank_named, split
from unembed.errors import QueryError, UnembedError
from unembed.store.schema import ADDRESS


def test_an_arrow_may_be_typed() -> None:
    bank = Features.from_array(torch.ones(1, 2), name="clt.5→9")
    assert bank.renamed("clt.5->10").name == "clt.5→10"
    assert bank_named("clt.5->9", ["clt.5→9", "clt.5→10"]) == "clt.5→9"
    assert split("clt.5->9/12", ["clt.5→9"]) == ("clt.5→9", 12)
    assert as_written("sae.8/3") == "sae.8/3"


def test_a_name_that_is_none_is_asked_for() -> None:
    with pytest.raises(QueryError, match=r"no bank 'clt.5->8' .* Did you mean 'clt.5→9'.*clt.5→9"):
        bank_named("clt.5->8", ["clt.5→9"])


@pytest.mark.parametrize("name", ["a/b", "→", "a b", "", "a?", "é"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(UnembedError, match=r"A bank's name holds letters, .*'→'"):
        Features.from_array(torch.ones(1, 2), name=name)


def test_addresses_where_the_first_part_is_filtered_away() -> None:
    """Polars keeps an empty part then, on which its `format` panics."""
    first = pl.DataFrame({"bank": ["a"] * 3, "index": [0, 1, 2]})
    second = pl.DataFrame({"bank": ["b→1"] * 2, "index": [10, 20]})
    frame = pl.concat([first, second], rechunk=False).with_row_index("row").filter(bank="b→1")
    assert frame["bank"].n_chunks() == 2
    assert frame.select(ADDRESS).to_series().to_list() == ["b→1/10", "b→1/20"]


BANKS = ["mlp.20", "sae.26"]


@pytest.mark.parametrize("bank", BANKS)
def test_what_is_written_is_read_again(bank: str) -> None:
    assert split(address(bank, 1329), BANKS) == (bank, 1329)


def test_the_bank_may_be_left_out_where_there_is_one() -> None:
    assert split("7", ["sae.8"]) == ("sae.8", 7)
    assert split(7, ["sae.8"]) == ("sae.8", 7)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("1232", "'1232' is no feature: write bank/index, such as mlp.20/1232 or sae.26/1232."),
        ("sae.26:1232", "'sae.26:1232' is no feature: write bank/index: sae.26/1232."),
        ("sae.26/x", "'sae.26/x' is no feature: write bank/index, such as mlp.20/0."),
        ("", "'' is no feature: write bank/index, such as mlp.20/0."),
    ],
)
def test_what_is_no_address_is_told_what_may_be_meant(typed: str, said: str) -> None:
    with pytest.raises(QueryError) as caught:
        split(typed, BANKS)
    assert str(caught.value) == said


def test_of_a_bank_that_is_not_there() -> None:
    with pytest.raises(QueryError, match=r"no bank 'sae.2' in this run; .*Did you mean 'sae.26'"):
        split("sae.2/5", BANKS)


@pytest.mark.parametrize("name", ["con", "NUL", "aux.3", "Com1", "lpt9.sae"])
def test_what_windows_keeps_for_devices(name: str) -> None:
    with pytest.raises(UnembedError, match="Windows keeps that name for a device"):
        Features.from_array(torch.ones(1, 2), name=name)
    assert Features.from_array(torch.ones(1, 2), name=f"{name[:3]}v.3").name == f"{name[:3]}v.3"
