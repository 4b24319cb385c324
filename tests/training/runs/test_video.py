"""Videos are what browsers play, with the size, the length and the rate that was asked for."""

import io

import av
import numpy as np
import pytest
from xview_training.runs.video import webm


def test_a_video_of_noise_is_read_back_with_its_size_and_length():
    pictures = np.random.default_rng(0).integers(0, 255, (7, 48, 64, 3), np.uint8)
    with av.open(io.BytesIO(webm(pictures, 20 / 3))) as video:
        frames = list(video.decode(video=0))
        assert (frames[0].width, frames[0].height, len(frames)) == (64, 48, 7)
        assert float(video.streams.video[0].average_rate) == pytest.approx(20 / 3, rel=0.01)
    with pytest.raises(ValueError, match="at least one picture"):
        webm([], 5.0)
