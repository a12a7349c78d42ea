"""Official files of the municipality register as plain records: pure, no database, no clock.

The Statistisches Bundesamt publishes the Gemeindeverzeichnis as a text file of fixed width
(GV100AD) and as a workbook (Auszug GV). `read` tells them apart by their content, never by
their name. A file that is no register at all raises `RegisterError`; a line that is broken
is named in `RegisterFile.errors`, and whoever imports decides what follows from it.
"""

from pathlib import Path

from municipalities.register.gv100ad import read_gv100ad
from municipalities.register.values import (
    DistrictRecord,
    LineError,
    MunicipalityRecord,
    RegisterError,
    RegisterFile,
    Source,
    StateRecord,
    read_bytes,
)
from municipalities.register.workbook import read_xlsx

__all__ = [
    "DistrictRecord",
    "LineError",
    "MunicipalityRecord",
    "RegisterError",
    "RegisterFile",
    "StateRecord",
    "read",
    "read_gv100ad",
    "read_xlsx",
]

_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


def read(source: Source) -> RegisterFile:
    """The records of an official file: a path, an open binary file, or its bytes.

    Raises RegisterError where the file is no municipality register.
    """
    if isinstance(source, (str, Path)):
        try:
            with Path(source).open("rb") as file:
                return read(file)
        except OSError as error:
            raise RegisterError(
                f"Die Datei „{source}“ gibt es nicht oder sie lässt sich nicht lesen."
            ) from error
    data = read_bytes(source)
    if data.startswith(_ZIP):
        return read_xlsx(data)
    if data.startswith(_OLD_EXCEL):
        raise RegisterError(
            "Das ist eine Excel-Datei im alten Format (.xls) oder mit Kennwortschutz. "
            "Bitte als ungeschützte XLSX-Datei speichern."
        )
    return read_gv100ad(data)
