import itertools

import qrcode


def qr_path(text: str) -> dict[str, str]:
    """A QR code as the path of an SVG, one unit a module, and the view box with the quiet zone around it."""
    code = qrcode.QRCode(border=0, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    strokes = []
    for y, row in enumerate(rows):
        x = 0
        for is_dark, run in itertools.groupby(row):
            length = len(list(run))
            if is_dark:
                strokes.append(f"M{x} {y}.5h{length}")
            x += length
    side = len(rows) + 8
    return {"path": "".join(strokes), "side": str(side)}
