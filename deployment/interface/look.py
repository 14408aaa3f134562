"""One look for all pages."""

import gradio as gr

THEME = gr.themes.Default(primary_hue="blue", neutral_hue="slate", radius_size="sm", font=("system-ui", "sans-serif"))

CSS = """
.gradio-container { max-width: 1160px !important; margin: auto !important; }
footer { display: none !important; }
"""
