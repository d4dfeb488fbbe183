"""The pose transfer networks: two UNets in Stable Diffusion's naming, a pose guider, an image encoder, and the
reference attention between them.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.attention_processor import Attention
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferConfig:
    """Sizes of the networks. The guider's last block channel count feeds a convolution to the UNet's first channel
    count.
    """

    channels: tuple[int, ...] = (40, 80, 120)
    guider_channels: tuple[int, ...] = (8, 16, 32, 80)
    context: int = 80
    latent_channels: int = 16
    heads: int = 2
    groups: int = 8
    latent_side: int = 16
    image_side: int = 224
    patch: int = 32
    encoder_layers: int = 2


def build_unet(config: TransferConfig) -> UNet2DConditionModel:
    """A Stable Diffusion UNet of three levels, the two finer ones with attention."""
    return UNet2DConditionModel(
        sample_size=config.latent_side,
        in_channels=config.latent_channels,
        out_channels=config.latent_channels,
        block_out_channels=config.channels,
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=config.context,
        attention_head_dim=config.heads,
        norm_num_groups=config.groups,
    )


def build_image_encoder(config: TransferConfig) -> CLIPVisionModelWithProjection:
    """A CLIP vision tower whose projection is the UNets' context."""
    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=config.context,
            intermediate_size=2 * config.context,
            num_hidden_layers=config.encoder_layers,
            num_attention_heads=4,
            image_size=config.image_side,
            patch_size=config.patch,
            projection_dim=config.context,
        )
    )


def build_scheduler() -> DDIMScheduler:
    """DDIM with zero terminal signal, v-prediction and trailing steps."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="linear",
        rescale_betas_zero_snr=True,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        steps_offset=1,
    )


class PoseGuider(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Skeleton pictures (N, 3, H, W) in 0..1 to features (N, C, h, w) that are added after the denoiser's first
    convolution.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        conditioning_embedding_channels: int = 40,
        conditioning_channels: int = 3,
        block_out_channels: tuple[int, ...] = (8, 16, 32, 80),
    ) -> None:
        super().__init__()
        widths = block_out_channels
        self.conv_in = nn.Conv2d(conditioning_channels, widths[0], 3, padding=1)
        self.blocks = nn.ModuleList()
        for narrow, wide in pairwise(widths):
            self.blocks.append(nn.Conv2d(narrow, narrow, 3, padding=1))
            self.blocks.append(nn.Conv2d(narrow, wide, 3, padding=1, stride=2))
        self.conv_out = nn.Conv2d(widths[-1], conditioning_embedding_channels, 3, padding=1)

    def forward(self, skeleton_N3HW: Tensor) -> Tensor:
        """One stride-2 convolution per halving of the autoencoder."""
        features = functional.silu(self.conv_in(skeleton_N3HW))
        for block in self.blocks:
            features = functional.silu(block(features))
        return self.conv_out(features)  # type: ignore[no-any-return]


class ReferenceReader:
    """Self-attention whose keys and values also cover what the reference's block of the same name saw; rows that may
    not look see themselves twice.
    """

    def __init__(self) -> None:
        self.bank_NLC: Tensor | None = None
        self.looks_N: Tensor | None = None

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,  # noqa: ARG002 - passed by name
        attention_mask: Tensor | None = None,  # noqa: ARG002 - passed by name
        **_: object,
    ) -> Tensor:
        """Output (N, L, C) before the residual."""
        own = hidden_states
        keys_from = own
        if self.bank_NLC is not None and self.looks_N is not None:
            # Attending to every token twice is attending to it once.
            keys_from = torch.cat([own, torch.where(self.looks_N[:, None, None], self.bank_NLC, own)], dim=1)
        count = own.shape[0]

        def split(x: Tensor) -> Tensor:
            return x.view(count, x.shape[1], attn.heads, -1).transpose(1, 2)

        mixed = functional.scaled_dot_product_attention(
            split(attn.to_q(own)), split(attn.to_k(keys_from)), split(attn.to_v(keys_from))
        )
        output: Tensor = attn.to_out[0](mixed.transpose(1, 2).flatten(2))
        return output


def self_attentions(unet: UNet2DConditionModel) -> dict[str, Attention]:
    """Every first attention of a transformer block, by path."""
    return {name: module for name, module in unet.named_modules() if name.endswith(".attn1")}


class Transfer(nn.Module):
    """All trainable parts together, as one call of training or of a denoising step."""

    def __init__(self, config: TransferConfig) -> None:
        super().__init__()
        self.reference_unet = build_unet(config)
        self.denoising_unet = build_unet(config)
        self.pose_guider = PoseGuider(config.channels[0], 3, config.guider_channels)
        self.image_encoder = build_image_encoder(config)
        self._readers = {name: ReferenceReader() for name in self_attentions(self.denoising_unet)}
        for name, attention in self_attentions(self.denoising_unet).items():
            attention.set_processor(self._readers[name])
        self._seen: dict[str, Tensor] = {}
        for name, attention in self_attentions(self.reference_unet).items():
            attention.register_forward_pre_hook(self._remember(name))
        self._pose_NChw: Tensor | None = None
        self.denoising_unet.conv_in.register_forward_hook(self._add_pose)

    def _remember(self, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - torch's hook type is not exported
        def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self._seen[name] = inputs[0]

        return keep

    def _add_pose(self, _: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output if self._pose_NChw is None else output + self._pose_NChw

    def look(self, reference_NChw: Tensor, context_N1C: Tensor) -> dict[str, Tensor]:
        """What every transformer block of the reference network attends from, at timestep 0."""
        self._seen = {}
        self.reference_unet(reference_NChw, torch.zeros(len(reference_NChw), dtype=torch.long), context_N1C)
        seen, self._seen = self._seen, {}
        return seen

    def velocity(
        self,
        noisy_NChw: Tensor,
        step_N: Tensor,
        context_N1C: Tensor,
        pose_NChw: Tensor,
        bank: dict[str, Tensor],
        looks_N: Tensor,
    ) -> Tensor:
        """The denoiser's prediction; rows where `looks_N` is false use no reference."""
        self._pose_NChw = pose_NChw
        for name, reader in self._readers.items():
            reader.bank_NLC, reader.looks_N = bank[name], looks_N
        try:
            velocity: Tensor = self.denoising_unet(noisy_NChw, step_N, context_N1C).sample
        finally:
            self._pose_NChw = None
            for reader in self._readers.values():
                reader.bank_NLC = reader.looks_N = None
        return velocity
