"""The demo's steps, in order: an artist's whole job through the public API."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from services.cli.client import Gateway
from services.cli.client.records import Style
from services.cli.client.requests import (
    BackgroundRequest,
    EstimateRequest,
    PoseTransferRequest,
    StyleChoice,
    TrainingRequest,
)
from services.cli.demo.journey import Journey
from services.cli.demo.samples import HAND, OTHER_HAND, shown_by
from services.cli.failures import CommandFailed, Exit
from services.cli.skeletons import turn_limb

# Long enough for a killed service to come back and load its weights.
PATIENCE_SECONDS = 120.0
SEED = 7
SENTENCE = "노을 지는 바닷가, 야자수와 파도"
STRENGTHS = (0.3, 0.6, 0.9)
ENLARGE = 4  # the small family draws 128 pixels a side
ARM_DEGREES = -150.0


def sign_up(journey: Journey) -> str:
    email, password = f"demo-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(16)
    with Gateway(journey.url, patience_seconds=PATIENCE_SECONDS) as stranger:
        account = stranger.sign_up(email=email, password=password, name="Demo", locale="ko").account
        token = stranger.create_token(email=email, password=password, label="demo").token
    journey.gateway = Gateway(journey.url, token=token, patience_seconds=PATIENCE_SECONDS)
    journey.story.ids["account"] = account.id
    return email


def create_project(journey: Journey) -> str:
    journey.project = journey.gateway.create_project("바닷가 이야기")
    journey.story.ids["project"] = journey.project.id
    return journey.project.name


def upload_hand(journey: Journey) -> str:
    section = journey.section("Eight pictures by one hand", "From samples/styles, which trained nothing before.")
    for number, path in enumerate(journey.samples.hand, start=1):
        journey.upload(path)
        journey.keep_sample(section, path, f"01_hand_{number}", shown_by(path))
    return f"{len(journey.samples.hand)} pictures, {HAND}"


def learn_style(journey: Journey) -> str:
    journey.style = _learn(journey, HAND, journey.samples.hand, ("lora", "dreamstyler"))
    journey.story.ids["style"] = journey.style.id
    section = journey.section("Drawn with the style when it was learned")
    for number, url in enumerate(journey.style.sample_urls, start=1):
        journey.keep_link(section, url, f"02_sample_{number}", f"sample {number}")
    return ", ".join(f"{file.method} {file.size_bytes / 1e6:.1f} MB" for file in journey.style.files)


def learn_other_style(journey: Journey) -> str:
    journey.other_style = _learn(journey, OTHER_HAND, journey.samples.other_hand, ("lora",))
    journey.story.ids["other_style"] = journey.other_style.id
    return journey.other_style.name


def draw_sentence(journey: Journey) -> str:
    """One sentence, one seed: without a style, and in the style learned either way."""
    english = journey.gateway.translate(SENTENCE)
    section = journey.section("A background from a Korean sentence", f"“{SENTENCE}” — read as “{english.english}”")
    style_id = journey.style.id
    ways = {
        "plain": ("no style", ()),
        "lora": ("in the style, LoRA", (StyleChoice(style_id=style_id, method="lora"),)),
        "dreamstyler": ("in the style, DreamStyler", (StyleChoice(style_id=style_id, method="dreamstyler"),)),
    }
    for name, (caption, styles) in ways.items():
        request = BackgroundRequest(prompt=SENTENCE, seed=SEED, enlarge=ENLARGE, styles=styles)
        _draw(journey, request, f"03_sentence_{name}", caption)
    return f"{len(section.tiles)} pictures of “{english.english}”"


def draw_photo(journey: Journey) -> str:
    photo = journey.samples.place_photo
    section = journey.section(
        "A background from a photograph, in the style", "Strength 0 keeps the photograph, 1 ignores it."
    )
    journey.keep_sample(section, photo, "04_photo", f"the photograph: {shown_by(photo)}")
    for strength in STRENGTHS:
        request = BackgroundRequest(
            prompt=shown_by(photo),
            picture_id=journey.upload(photo),
            strength=strength,
            seed=SEED,
            enlarge=ENLARGE,
            styles=(StyleChoice(style_id=journey.style.id, method="lora"),),
        )
        _draw(journey, request, f"04_photo_strength_{round(strength * 100):03d}", f"strength {strength}")
    return f"strengths {', '.join(map(str, STRENGTHS))}"


def mix_styles(journey: Journey) -> str:
    journey.section(
        "Two styles, alone and mixed", f"{journey.style.name} and {journey.other_style.name}, LoRA, same seed."
    )
    for share in (1.0, 0.5, 0.0):
        shares = ((journey.style, share), (journey.other_style, 1 - share))
        request = BackgroundRequest(
            prompt=SENTENCE,
            seed=SEED,
            enlarge=ENLARGE,
            styles=[StyleChoice(style_id=style.id, method="lora", weight=w) for style, w in shares if w > 0],
        )
        caption = " + ".join(f"{style.name} {weight:.1f}" for style, weight in shares if weight > 0)
        _draw(journey, request, f"05_mix_{round(share * 100):03d}", caption)
    return f"{journey.style.name} with {journey.other_style.name}"


def find_poses(journey: Journey) -> str:
    """Of a drawn character, and of a person in a photograph: what the family finds, nothing more."""
    section = journey.section(
        "Poses: of a drawn character, of a person in a photograph, and one arm moved",
        "What the model family finds, with nothing corrected.",
    )
    found = []
    for name, path in (("character", journey.samples.pose_character), ("person", journey.samples.person_photo)):
        pose = journey.gateway.estimate_pose(
            journey.project.id, EstimateRequest(picture_id=journey.upload(path), whole_picture_if_nobody=True)
        )
        journey.story.ids[f"pose_of_{name}"] = pose.id
        how = "nobody found, the whole picture taken" if pose.used_whole_picture else f"{len(pose.people)} found"
        found.append(f"{name}: {how}")
        journey.keep_sample(section, path, f"06_{name}", f"the {name}")
        if pose.skeleton_url:
            journey.keep_link(section, pose.skeleton_url, f"06_{name}_pose", how)
        if name == "character":
            journey.pose = pose
    return "; ".join(found)


def move_arm(journey: Journey) -> str:
    """Into a pose of its own, so that the one that was found stays."""
    if not journey.pose.people:
        raise CommandFailed("nobody was found on the drawn character", reason="NOBODY", code=Exit.JOB_FAILED)
    found, gateway = journey.pose, journey.gateway
    copy = gateway.create_pose(journey.project.id, size_wh=(found.width, found.height), people=found.people)
    first, *others = copy.people
    journey.edited_pose = gateway.edit_pose(copy.id, [turn_limb(first, "left-arm", ARM_DEGREES), *others])
    journey.story.ids["pose_edited"] = copy.id
    if journey.edited_pose.skeleton_url:
        section = journey.story.sections[-1]
        journey.keep_link(
            section, journey.edited_pose.skeleton_url, "06_pose_edited", "the character's left arm raised"
        )
    return f"left arm turned by {ARM_DEGREES:.0f} degrees"


def repose(journey: Journey) -> str:
    section = journey.section("Another character in these poses")
    character = journey.samples.character
    journey.keep_sample(section, character, "07_character", "the other character")
    for name, pose in (("found", journey.pose), ("edited", journey.edited_pose)):
        request = PoseTransferRequest(character_picture_id=journey.upload(character), pose_id=pose.id, seed=SEED)
        job = journey.run("re-posing", partial(journey.gateway.transfer_pose, journey.project.id, request))
        journey.keep_results(section, job, f"07_reposed_{name}", f"in the pose that was {name}")
    return f"{character.stem} in the pose of {journey.samples.pose_character.stem}, found and edited"


def save_assets(journey: Journey) -> str:
    results = journey.story.ids["results"]
    backgrounds = [result for name, ids in results.items() if not name.startswith("07_") for result in ids]
    characters = [result for name, ids in results.items() if name.startswith("07_") for result in ids]
    gateway, project_id = journey.gateway, journey.project.id
    saved = [
        gateway.save_asset(project_id, name="바닷가", result_ids=backgrounds[:3], description="dusk at the sea"),
        gateway.save_asset(project_id, name="주인공", result_ids=characters),
        gateway.save_asset(project_id, name="연습", result_ids=backgrounds[3:4]),
    ]
    journey.story.ids["assets"] = {asset.name: asset.id for asset in saved}
    listed = {asset.id for asset in gateway.assets(project_id)}
    if listed != {asset.id for asset in saved}:
        raise CommandFailed("the list of assets is not what was saved", reason="ASSETS_DIFFER", code=Exit.JOB_FAILED)
    return f"{len(saved)} assets with {sum(len(asset.files) for asset in saved)} pictures"


def download_zip(journey: Journey) -> str:
    content = journey.gateway.assets_zip(journey.project.id)
    (journey.out / "assets.zip").write_bytes(content)
    return f"assets.zip, {len(content) / 1e6:.1f} MB"


def delete_asset(journey: Journey) -> str:
    asset_id = journey.story.ids["assets"]["연습"]
    journey.gateway.delete_asset(asset_id)
    left = journey.gateway.assets(journey.project.id)
    if asset_id in {asset.id for asset in left}:
        raise CommandFailed("a deleted asset is still listed", reason="NOT_DELETED", code=Exit.JOB_FAILED)
    return f"{len(left)} left"


def export_lora(journey: Journey) -> str:
    content = journey.gateway.export_style(journey.style.id, "lora")
    path = journey.out / f"{journey.style.name}.safetensors"
    path.write_bytes(content)
    return f"{path.name}, {len(content) / 1e6:.1f} MB"


STEPS: dict[str, Callable[[Journey], str]] = {
    "sign up": sign_up,
    "create a project": create_project,
    "upload eight pictures": upload_hand,
    "learn the style, LoRA and DreamStyler": learn_style,
    "background from a Korean sentence": draw_sentence,
    "background from a photograph": draw_photo,
    "learn a second style": learn_other_style,
    "mix two styles": mix_styles,
    "find poses": find_poses,
    "move an arm": move_arm,
    "re-pose a character": repose,
    "save and list assets": save_assets,
    "download the assets": download_zip,
    "delete an asset": delete_asset,
    "export the LoRA file": export_lora,
}


def _draw(journey: Journey, request: BackgroundRequest, name: str, caption: str) -> None:
    """Draw one background into the last section; at the family's size where nothing can enlarge it."""
    try:
        job = journey.run(caption, lambda: journey.gateway.draw_background(journey.project.id, request))
    except CommandFailed as failed:
        if failed.reason != "NO_ENLARGER":
            raise
        small = replace(request, enlarge=None)
        job = journey.run(caption, lambda: journey.gateway.draw_background(journey.project.id, small))
    journey.keep_results(journey.story.sections[-1], job, name, caption)


def _learn(journey: Journey, name: str, pictures: Sequence[Path], methods: Sequence[str]) -> Style:
    captions = {journey.upload(path): shown_by(path) for path in pictures}
    request = TrainingRequest(
        name=name, picture_ids=list(captions), captions=captions, methods=methods, preset="quick", seed=SEED
    )
    job = journey.run(f"learning {name}", lambda: journey.gateway.train(journey.project.id, request))
    journey.story.facts[f"steps of learning {name}"] = str(job.steps_done)
    return journey.gateway.style(job.style_id or "")
