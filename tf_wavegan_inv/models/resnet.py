"""ResNet-18."""

from keras import layers

STAGES = 4
BLOCKS = 2
BLOCK_LAYERS = tuple(f"stage{s}_block{b}" for s in range(1, STAGES + 1) for b in range(1, BLOCKS + 1))
STEM_LAYERS = ("stem_conv", "stem_norm", "stem_pool")


def resnet18(picture, width=64, synchronized=False):
    """ResNet-18 without its head (He et al., 2016, table 1), as a graph of Keras layers.

    The layers that perceptual losses compare carry the names in `STEM_LAYERS` and `BLOCK_LAYERS`. As in the code published with the paper,
    convolutions keep their biases, and the shortcut is a 1x1 convolution only where the stride is 2.

    Args:
        picture: Keras tensor [batch, height, width, any channels].
        width: channels of the first stage; 64 is the paper's.
        synchronized: batch norm over the replicas of a strategy together.

    Returns:
        Keras tensor [batch, 8 * width], the global average.
    """

    def norm(name):
        return layers.BatchNormalization(synchronized=synchronized, name=name)

    def block(x, filters, stride, name):
        y = layers.Conv2D(filters, 3, stride, padding="same", kernel_initializer="he_normal", name=f"{name}_conv1")(x)
        y = layers.ReLU(name=f"{name}_relu1")(norm(f"{name}_norm1")(y))
        y = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal", name=f"{name}_conv2")(y)
        y = norm(f"{name}_norm2")(y)
        if stride != 1:
            x = layers.Conv2D(filters, 1, stride, kernel_initializer="he_normal", name=f"{name}_shortcut")(x)
            x = norm(f"{name}_shortcut_norm")(x)
        return layers.ReLU(name=name)(layers.Add(name=f"{name}_add")([x, y]))

    x = layers.Conv2D(width, 7, 2, padding="same", kernel_initializer="he_normal", name="stem_conv")(picture)
    x = layers.ReLU(name="stem_relu")(norm("stem_norm")(x))
    x = layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(x)
    for index, name in enumerate(BLOCK_LAYERS):
        stage, first = index // BLOCKS, index % BLOCKS == 0
        x = block(x, width * 2**stage, 2 if stage and first else 1, name)
    return layers.GlobalAveragePooling2D(name="average")(x)
