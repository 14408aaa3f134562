"""From a run to a product: registry, API, interfaces, export. Started by `scratch`, in the chapter's environment."""
