"""A training goes on with its frozen weights as they were when it began, whatever the machine would choose now."""

import json
from pathlib import Path

import numpy as np
import pytest

from services.common.artifacts import FolderStore
from services.common.pictures import encode_png
from services.style_train.engine.frozen import Form
from services.style_train.lesson import Lesson
from services.style_train.records import Checkpoint, Method, Order, OrderedPicture, Preset, Report, Task, folder
from services.style_train.settings import StyleTrainSettings
from tests.fakes.families import build_random_family


class Classroom:
    """One training of two steps, with a checkpoint to begin from."""

    def __init__(self, place: Path) -> None:
        self.family = build_random_family(place / "family")
        self.artifacts = FolderStore(place / "artifacts")
        content = encode_png(np.full((40, 40, 3), 90, np.uint8))
        stored = self.artifacts.put(f"{folder('ann', 'j')}0.png", content, "image/png")
        picture = OrderedPicture(name="0.png", sha256=stored.sha256, caption="a beach")
        methods = (Method.LORA,)
        self.order = Order(name="Ink", pictures=(picture,), methods=methods, preset=Preset.STANDARD, seed=1)

    def learn(self, **checkpoint: object) -> tuple[Checkpoint, dict[str, object]]:
        """The last checkpoint, and the record of what was learned."""
        begun = Checkpoint.model_validate({"steps": {"lora": 2}, **checkpoint})
        task = Task(job_id="j", owner="ann", order=self.order, checkpoint=begun, settings={})
        settings = StyleTrainSettings(family=self.family, sample_pictures=0, checkpoint_samples=False, device="cpu")
        reports: list[Report] = []
        Lesson(task, settings, self.artifacts, report=reports.append, stopping=lambda: False).run()
        last = [report.checkpoint for report in reports if report.checkpoint is not None][-1]
        record = last.learned[0].record
        assert record is not None
        return last, json.loads(self.artifacts.get(record.key))


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    return Classroom(tmp_path_factory.mktemp("classroom"))


def test_the_form_of_the_frozen_weights_is_decided_when_a_training_begins(classroom: Classroom) -> None:
    last, record = classroom.learn()
    assert last.forms == {Method.LORA: Form.FLOAT32}
    assert record["frozen_weights"] == Form.FLOAT32


@pytest.mark.parametrize("form", [Form.BFLOAT16, Form.WIDENED])
def test_a_training_goes_on_in_the_form_that_it_began_in(classroom: Classroom, form: Form) -> None:
    last, record = classroom.learn(forms={"lora": form})
    assert last.forms == {Method.LORA: form}
    assert record["frozen_weights"] == form
