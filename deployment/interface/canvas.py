"""Paper to draw on with a mouse, a finger or a pen: a plain canvas, whose value is a PNG in a data URL.

Gradio's own image editor asks the browser for WebGL, and takes seconds where no GPU helps it.
"""

import base64
import io

import gradio as gr
from PIL import Image

from utils.errors import InputError

_PREFIX = "data:image/png;base64,"
_LARGEST = 2**20  # characters of a drawing

_HTML = """
<canvas width="${columns}" height="${rows}" aria-label="${label}"></canvas>
<div class="inks">
  <label><input type="radio" name="ink" value="#000000" checked> black</label>
  <label><input type="radio" name="ink" value="#ffffff"> white</label>
</div>
"""

_CSS = """
canvas { width: 100%; max-width: 340px; display: block; margin: 0 auto; border: 1px solid #94a3b8;
         image-rendering: pixelated; touch-action: none; cursor: crosshair; background: #ffffff; }
.inks { display: flex; gap: 1.5rem; justify-content: center; margin-top: 0.5rem; }
.inks label { display: flex; gap: 0.4rem; align-items: center; }
"""

_SCRIPT = """
let sent = null, last = null;
const canvas = () => element.querySelector('canvas');
const pen = () => canvas().getContext('2d');

function lay() {  // show what the value says
    if (props.value === sent) return;
    const image = new Image();
    image.onload = () => sent === image.src && pen().drawImage(image, 0, 0);  // or somebody has drawn meanwhile
    image.src = sent = props.value;
}
function place(event) {
    const box = canvas().getBoundingClientRect();
    return [(event.clientX - box.left) * canvas().width / box.width,
            (event.clientY - box.top) * canvas().height / box.height];
}
function line(to) {
    const context = pen();
    context.strokeStyle = element.querySelector('input:checked').value;
    context.lineWidth = props.brush;
    context.lineCap = context.lineJoin = 'round';
    context.beginPath();
    context.moveTo(...last);
    context.lineTo(...to);
    context.stroke();
    last = to;
}
element.addEventListener('pointerdown', (event) => {
    if (event.target !== canvas()) return;
    event.preventDefault();
    last = place(event);
    line(last);
    const move = (event) => line(place(event));
    const end = () => {
        window.removeEventListener('pointermove', move);
        window.removeEventListener('pointerup', end);
        window.removeEventListener('pointercancel', end);
        sent = canvas().toDataURL('image/png');
        props.value = sent;
        trigger('input');
    };
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', end);
    window.addEventListener('pointercancel', end);
});
watch('value', lay);
lay();
"""


def paper(image: Image.Image, label: str, brush: float) -> gr.HTML:
    """A canvas of as many pixels as `image` has, which lies on it at first.

    Args:
        image: What to draw on.
        label: What it is, for those who cannot see it.
        brush: Its width in pixels.
    """
    return gr.HTML(
        written(image),
        html_template=_HTML,
        css_template=_CSS,
        js_on_load=_SCRIPT,
        elem_id="paper",
        container=True,
        padding=True,
        columns=image.width,
        rows=image.height,
        label=label,
        brush=brush,
    )


def written(image: Image.Image) -> str:
    """`image` as the value of a paper."""
    content = io.BytesIO()
    image.save(content, "PNG")
    return _PREFIX + base64.b64encode(content.getvalue()).decode()


def read(value: str, size: tuple[int, int]) -> Image.Image:
    """What is on a paper of `size`, in grey.

    Raises:
        InputError: It is not what a paper sends.
    """
    try:
        if len(value) > _LARGEST or not value.startswith(_PREFIX):
            raise ValueError
        image = Image.open(io.BytesIO(base64.b64decode(value.removeprefix(_PREFIX))), formats=["PNG"])
        if image.size != size:
            raise ValueError
        return image.convert("L")
    except (ValueError, OSError):
        raise InputError("this is no drawing from this page; load the page again") from None
