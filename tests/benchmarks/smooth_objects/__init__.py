"""Objects with few features that can be matched: shiny balls, a microphone, a plant, hot dogs."""
