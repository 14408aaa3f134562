"""One look for all pages."""

import gradio as gr

THEME = gr.themes.Default(primary_hue="blue", neutral_hue="slate", radius_size="sm", font=("system-ui", "sans-serif"))

CSS = """
.gradio-container { width: 100%; max-width: 1160px !important; margin: auto !important; overflow: clip !important; }
#runs .cell-wrap, #side .cell-wrap, #runs [role=gridcell], #side [role=gridcell] { font-size: 0.85rem; }
footer { display: none !important; }

/* Beside a long form the answer stays in sight; on a phone it lies above the form, and the curve below it. */
#asked { position: sticky; top: 0; align-self: flex-start; }
@media (max-width: 700px) {
    #asked { display: contents; }
    #asked #answer { order: -1; flex: 1 0 100%; position: sticky; top: 0; z-index: 100; }
    #asked > * { flex: 1 0 100%; }
}

/* What is wide is scrolled on a phone: made to fit, its words could not be read. */
.wide { overflow-x: auto !important; }
.wide .image-container { min-width: 28rem; }
#curves .image-container { min-width: 36rem; }
#tape .image-container { min-width: 56rem; }
.wide .image-frame, .wide img { width: 100%; }

/* On a phone a long name takes several lines, so that how its run stands is seen beside it. */
@media (max-width: 700px) {
    #runs .table-wrap { --df-max-col-width: 8.5rem !important; }
    #runs .cell-wrap, #runs [role=gridcell] { font-size: 0.75rem; }
    #runs [role=gridcell] span { white-space: normal !important; overflow-wrap: anywhere; }
}

/* Whole pictures in the order of the page, with what they are below them. */
#pictures .grid-wrap { height: auto; max-height: none; overflow: visible; }
#pictures .grid-container { align-items: start; grid-auto-rows: auto; }
#pictures .gallery-item, #pictures .thumbnail-lg { height: auto; aspect-ratio: auto; }
#pictures .thumbnail-lg { display: flex; flex-direction: column; }
#pictures .thumbnail-lg img { height: auto; }
#pictures .caption-label { position: static; max-width: none; white-space: normal; border: none; }
@media (max-width: 700px) {
    #pictures .grid-container { grid-template-columns: 1fr; }
    .tab-container button { padding-inline: 0.5rem; }
}
"""
